// Package engine has what the tests on a Docker engine share: the commands that they run, which
// ctrl-C ends, the images that they build, and docker-stack.yml without the operator's commands.
package engine

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

// Patience is long enough for a slow machine that is busy with the other tests.
const Patience = 5 * time.Minute

var (
	// Version is the version of the images that this run builds.
	Version = "test-" + random()
	// Root is the folder of the repository. Tests run in the folder of their package.
	Root, _ = filepath.Abs("../../..")
	// UntilInterrupted is cancelled by ctrl-C, which ends the running commands. The clean-up still
	// runs.
	UntilInterrupted context.Context
)

// Start lets ctrl-C cancel UntilInterrupted, until stop is called. Commands get Version, and none
// of the settings that a developer may have for another site: see ops/variables.sh. Commands keep
// the times for slow machines, such as HEALTH_TIMEOUT.
func Start() (stop func()) {
	UntilInterrupted, stop = signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM)
	const names = `. ops/variables.sh && echo "${own_variables[@]}"`
	own, err := Command{}.Run("bash", "-c", names)
	if err != nil {
		panic(fmt.Sprintf("read ops/variables.sh: %v\n%s", err, own))
	}
	for _, name := range append(strings.Fields(own),
		"COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "ADMINER_PORT") {
		os.Unsetenv(name)
	}
	os.Setenv("VERSION", Version)
	os.Setenv("SITE_ENV", "") // site.env is not read
	return stop
}

// Image returns the name of a service's image of Version.
func Image(service string) string { return "mysimpleapp_" + service + ":" + Version }

// RemoveImages removes the images of Version.
func RemoveImages() {
	out, err := Command{AtEnd: true}.Run("docker", "image", "rm",
		Image("app"), Image("db"), Image("cache"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "remove the images: %v\n%s", err, out)
	}
}

// RandomName returns a name for something that a test makes.
func RandomName() string { return "test" + random() }

func random() string { return strings.ToLower(rand.Text()[:8]) }

// Rows parses an answer of mysql that has one submission a line. It returns the rest of each line
// by its token.
func Rows(answer string) (map[string]string, error) {
	rows := map[string]string{}
	for line := range strings.Lines(strings.TrimSpace(answer)) {
		token, rest, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if _, twice := rows[token]; twice {
			return nil, fmt.Errorf("submission %s is stored twice", token)
		}
		rows[token] = rest
	}
	return rows, nil
}

// Eventually waits until ok returns nil, or until the tests are interrupted.
func Eventually(t testing.TB, what string, ok func() error) {
	t.Helper()
	testsite.Within(t, Patience, what, func() error {
		if err := UntilInterrupted.Err(); err != nil {
			t.Fatal(err)
		}
		return ok()
	})
}
