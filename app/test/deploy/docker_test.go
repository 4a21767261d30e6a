// Package deploy tests the images, docker-compose.yml, docker-stack.yml and the operator's commands
// on a real Docker engine, by the commands that people type. `make test-deploy` runs it.
package deploy

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

// patience is long enough for a slow machine that is busy with the other tests.
const patience = 5 * time.Minute

// services is in the order of dependence: app needs the other two.
var services = []string{"cache", "db", "app"}

var (
	// untilInterrupted is cancelled by ctrl-C, which ends the running commands. The clean-up still
	// runs.
	untilInterrupted context.Context
	// tag is the version of the images that this run builds.
	tag = "test-" + strings.ToLower(rand.Text()[:8])
	// root is the folder of the repository.
	root, _ = filepath.Abs("../../..")
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var stop context.CancelFunc
	untilInterrupted, stop = signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Setenv("VERSION", tag)
	os.Setenv("SITE_ENV", "") // the site.env of a developer is of another site
	for _, name := range []string{"COMPOSE_PROJECT_NAME", "COMPOSE_FILE", "HTTP_PORT", "REGISTRY"} {
		os.Unsetenv(name)
	}
	if found := leftovers(); found != "" {
		fmt.Printf("the engine is in use, or a run was killed:\n%s"+
			"remove these; docker swarm leave --force removes all that its swarm has\n", found)
		return 1
	}
	defer func() {
		out, err := command(context.Background(), "",
			"docker", "image", "rm", image("app"), image("db"), image("cache"))
		if err != nil {
			fmt.Fprintf(os.Stderr, "remove the images: %v\n%s", err, out)
		}
	}()
	out, err := command(untilInterrupted, root, "docker", "compose", "--progress", "plain", "build")
	if err != nil {
		fmt.Printf("build the images: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// leftovers lists what is in the way of the tests, and of some of them only after ten minutes: any
// service, and the secrets with fixed names that TestSiteOfTheStackFileAlone creates.
func leftovers() string {
	const list = `
		manager=$(docker info --format '{{.Swarm.ControlAvailable}}' 2>/dev/null)
		[ "$manager" = true ] || exit 0
		docker service ls --format 'service {{.Name}}'
		docker secret ls --format 'secret {{.Name}}' | grep -xE 'secret (mysql|redis)_password'`
	found, _ := command(untilInterrupted, "", "bash", "-c", list)
	return found
}

func image(service string) string { return "mysimpleapp_" + service + ":" + tag }

// command runs a command in a folder and returns its standard output and error together.
func command(ctx context.Context, dir, name string, args ...string) (string, error) {
	return commandWithInput(ctx, nil, dir, name, args...)
}

// commandWithInput is command with a standard input, which may be nil.
func commandWithInput(ctx context.Context, input io.Reader, dir, name string, args ...string) (
	string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdin = dir, input
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// tryDocker runs docker in the folder of the repository and returns its output.
func tryDocker(args ...string) (string, error) {
	return command(untilInterrupted, root, "docker", args...)
}

// docker is tryDocker for a command that has to succeed.
func docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := tryDocker(args...)
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// atEnd runs docker at the end of the test, also after ctrl-C. It has to succeed.
func atEnd(t testing.TB, args ...string) {
	t.Helper()
	t.Cleanup(func() {
		if out, err := command(context.Background(), root, "docker", args...); err != nil {
			t.Errorf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	})
}

// eventually waits until ok returns nil, or until the tests are interrupted.
func eventually(t testing.TB, what string, ok func() error) {
	t.Helper()
	testsite.Within(t, patience, what, func() error {
		if err := untilInterrupted.Err(); err != nil {
			t.Fatal(err)
		}
		return ok()
	})
}
