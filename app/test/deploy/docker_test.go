// Package deploy tests the images, docker-compose.yml, docker-stack.yml and the operator's commands
// on a real Docker engine, by the commands that people type. `make test-deploy` runs it.
package deploy

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net"
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
	defer command(context.Background(), "",
		"docker", "image", "rm", image("app"), image("db"), image("cache"))
	out, err := command(untilInterrupted, root, "docker", "compose", "--progress", "plain", "build")
	if err != nil {
		fmt.Printf("build the images: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func image(service string) string { return "mysimpleapp_" + service + ":" + tag }

// command runs a command in a folder and returns its standard output and error together.
func command(ctx context.Context, dir string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
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

// A project is one copy of the system: its own containers, networks, volumes, passwords and port.
type project struct {
	testing.TB
	name string
	dir  string // has docker-compose.yml, devsecrets/ and the files that a test adds
	port int
}

// newProject prepares a copy of the system under random names. The end of the test removes it. An
// override, if it is not empty, is a compose file that changes the real one.
func newProject(t testing.TB, override string) *project {
	t.Helper()
	p := &project{t, "test" + strings.ToLower(rand.Text()[:8]), t.TempDir(), freePort(t)}
	secrets := os.DirFS(filepath.Join(root, "devsecrets"))
	if err := os.CopyFS(filepath.Join(p.dir, "devsecrets"), secrets); err != nil {
		t.Fatal(err)
	}
	compose, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write("docker-compose.yml", string(compose))
	if override != "" {
		p.write("docker-compose.override.yml", override)
	}
	p.write(".env", fmt.Sprintf("COMPOSE_PROJECT_NAME=%s\nHTTP_PORT=%d\n", p.name, p.port))
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := command(context.Background(), p.dir,
				"docker", "compose", "logs", "--no-color", "--tail", "40")
			t.Logf("logs of %s:\n%s", p.name, out)
		}
		// The real compose file names everything that has to be removed, even if a test has spoilt
		// the project's own files.
		file := filepath.Join(root, "docker-compose.yml")
		out, err := command(context.Background(), "", "docker", "compose", "-p", p.name, "-f", file,
			"down", "--volumes", "--remove-orphans", "--timeout", "1")
		if err != nil {
			t.Errorf("remove %s: %v\n%s", p.name, err, out)
		}
	})
	return p
}

func (p *project) write(name, content string) {
	p.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o644); err != nil {
		p.Fatal(err)
	}
}

// tryCompose runs docker compose in the project's folder and returns its output.
func (p *project) tryCompose(args ...string) (string, error) {
	args = append([]string{"compose", "--progress", "plain"}, args...)
	return command(untilInterrupted, p.dir, "docker", args...)
}

// compose is tryCompose for a command that has to succeed.
func (p *project) compose(args ...string) string {
	p.Helper()
	out, err := p.tryCompose(args...)
	if err != nil {
		p.Fatalf("docker compose %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (p *project) container(service string) string { return p.name + "_" + service }

func (p *project) inspect(service, format string) string {
	p.Helper()
	return docker(p, "inspect", "--type", "container", "--format", format, p.container(service))
}

// awaitHealthy waits until the health checks of these services, or of all, succeed.
func (p *project) awaitHealthy(names ...string) {
	p.Helper()
	if names == nil {
		names = services
	}
	for _, service := range names {
		eventually(p, service+" healthy", func() error {
			state := p.inspect(service, "{{.State.Status}}, {{.State.Health.Status}}")
			if state != "running, healthy" {
				return fmt.Errorf("it is %s", state)
			}
			return nil
		})
	}
}

// awaitLog waits until the log of a service's container contains these words.
func (p *project) awaitLog(service, words string) {
	p.Helper()
	p.awaitLogSince(time.Unix(0, 0), service, words)
}

// awaitLogSince leaves out earlier words. Docker's StartedAt may be later than the words.
func (p *project) awaitLogSince(start time.Time, service, words string) {
	p.Helper()
	eventually(p, fmt.Sprintf("%q in the log of %s", words, service), func() error {
		log := docker(p, "logs", "--since", start.Format(time.RFC3339Nano), p.container(service))
		if !strings.Contains(log, words) {
			return fmt.Errorf("it says:\n%s", log)
		}
		return nil
	})
}

// inside runs a shell script as root in the process namespace of a service's container. The shell
// is that of another image, since the service's may have none.
func (p *project) inside(service, script string) string {
	p.Helper()
	return docker(p, p.insideArgs(service, script)...)
}

func (p *project) insideArgs(service, script string) []string {
	return []string{"run", "--rm", "--network", "none", "--no-healthcheck",
		"--pid", "container:" + p.container(service), "--user", "0", "--cap-add", "SYS_PTRACE",
		"--entrypoint", "sh", image("cache"), "-c", script}
}

// kill makes a container crash: it sends SIGKILL to every process except init, which ends with the
// server. (After docker kill, Docker would not restart the container.)
func (p *project) kill(service string) {
	p.Helper()
	out, err := tryDocker(p.insideArgs(service, "kill -9 -1")...)
	// If the shell is still running when init ends, it is killed, too.
	if err != nil && err.Error() != "exit status 137" {
		p.Fatalf("kill -9 in %s: %v\n%s", service, err, out)
	}
}

// freePort returns a port below the range of outgoing connections, so that it stays free between
// two starts.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20000 + mathrand.IntN(10000)
		if l, err := net.Listen("tcp", fmt.Sprintf(":%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port between 20000 and 30000")
	return 0
}
