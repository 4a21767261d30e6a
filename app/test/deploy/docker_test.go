// Package deploy tests docker-compose.yml and the images on a real Docker engine, through the
// commands that people type. `make test-deploy` runs it.
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
)

// Ready on a machine that is slow and busy with the other tests.
const patience = 5 * time.Minute

// services in the order in which they depend on each other.
var services = []string{"cache", "db", "app"}

var (
	// interrupted ends the commands under way on ctrl-C; what was started is still removed.
	interrupted context.Context
	// tag is the version of this run's images.
	tag = "test-" + strings.ToLower(rand.Text()[:8])
	// root of the repository.
	root, _ = filepath.Abs("../../..")
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var stop context.CancelFunc
	interrupted, stop = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Setenv("VERSION", tag)
	for _, name := range []string{"COMPOSE_PROJECT_NAME", "COMPOSE_FILE", "HTTP_PORT", "REGISTRY"} {
		os.Unsetenv(name)
	}
	defer command(context.Background(), "", "docker", "image", "rm", image("app"), image("db"), image("cache"))
	if out, err := command(interrupted, root, "docker", "compose", "--progress", "plain", "build"); err != nil {
		fmt.Printf("build the images: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func image(service string) string { return "mysimpleapp_" + service + ":" + tag }

// command returns what a command says, on standard output and error together.
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

// docker returns what the docker command says, which has to succeed.
func docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := command(interrupted, root, "docker", args...)
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// eventually waits until ok returns nil.
func eventually(t testing.TB, what string, ok func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) || interrupted.Err() != nil {
			t.Fatalf("%s: not within %v: %v", what, patience, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// A project is one copy of the system: its own containers, networks, volumes, passwords and port.
type project struct {
	testing.TB
	name string
	dir  string // with docker-compose.yml, devsecrets/ and what a test adds
	port int
}

// newProject prepares a copy of the system under random names; with it ends what was started in it.
// An override, if there is one, is a compose file that changes the real one.
func newProject(t testing.TB, override string) *project {
	t.Helper()
	p := &project{t, "test" + strings.ToLower(rand.Text()[:8]), t.TempDir(), freePort(t)}
	if err := os.CopyFS(filepath.Join(p.dir, "devsecrets"), os.DirFS(filepath.Join(root, "devsecrets"))); err != nil {
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
			out, _ := command(context.Background(), p.dir, "docker", "compose", "logs", "--no-color", "--tail", "40")
			t.Logf("logs of %s:\n%s", p.name, out)
		}
		// Whatever became of the compose file's other files, this names all that is to be removed.
		out, err := command(context.Background(), "", "docker", "compose", "-p", p.name, "-f", filepath.Join(root, "docker-compose.yml"),
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

// tryCompose returns what docker compose says and whether it succeeded.
func (p *project) tryCompose(args ...string) (string, error) {
	return command(interrupted, p.dir, "docker", append([]string{"compose", "--progress", "plain"}, args...)...)
}

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
			if state := p.inspect(service, "{{.State.Status}}, {{.State.Health.Status}}"); state != "running, healthy" {
				return fmt.Errorf("it is %s", state)
			}
			return nil
		})
	}
}

// awaitLog waits until a service's log since its last start has these words.
func (p *project) awaitLog(service, words string) {
	p.Helper()
	eventually(p, fmt.Sprintf("%q in the log of %s", words, service), func() error {
		// Docker notes StartedAt late on a busy machine, after the first lines. The end of the run before
		// is exact; it is in the year 1 if there was none.
		args := []string{"logs", p.container(service)}
		if ended := p.inspect(service, "{{.State.FinishedAt}}"); !strings.HasPrefix(ended, "0001-") {
			args = append(args, "--since", ended)
		}
		if log := docker(p, args...); !strings.Contains(log, words) {
			return fmt.Errorf("it says:\n%s", log)
		}
		return nil
	})
}

// inside runs a shell script as root among the processes of a container, whose image may have no shell.
func (p *project) inside(service, script string) string {
	p.Helper()
	return docker(p, p.insideArgs(service, script)...)
}

func (p *project) insideArgs(service, script string) []string {
	return []string{"run", "--rm", "--network", "none", "--pid", "container:" + p.container(service), "--user", "0",
		"--cap-add", "SYS_PTRACE", "--no-healthcheck", "--entrypoint", "sh", image("cache"), "-c", script}
}

// kill ends a container as a crash does: SIGKILL for every process in it but its init, which ends with
// the server. (After docker kill, Docker would not start it again.)
func (p *project) kill(service string) {
	p.Helper()
	out, err := command(interrupted, "", "docker", p.insideArgs(service, "kill -9 -1")...)
	// The end of init ends the killer too, if it is still there.
	if err != nil && err.Error() != "exit status 137" {
		p.Fatalf("kill -9 in %s: %v\n%s", service, err, out)
	}
}

// freePort returns a port below those that outgoing connections take, so that it stays free between
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
