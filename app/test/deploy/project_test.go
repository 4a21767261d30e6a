package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

// A project is one copy of the system: its own containers, networks, volumes, passwords and port.
type project struct {
	testing.TB
	name string
	dir  string // has docker-compose.yml, devsecrets, the templates, and files that a test adds
	port int
}

// in returns the project for a part of the test.
func (p *project) in(t testing.TB) *project { return &project{t, p.name, p.dir, p.port} }

// newProject prepares a copy of the system under random names. The end of the test removes it. An
// override, if it is not empty, is a compose file that changes the real one.
func newProject(t testing.TB, override string) *project {
	t.Helper()
	p := &project{t, engine.RandomName(), t.TempDir(), testsite.FreePort(t)}
	for _, mounted := range []string{"devsecrets", "app/internal/web/templates"} {
		files := os.DirFS(filepath.Join(engine.Root, mounted))
		if err := os.CopyFS(filepath.Join(p.dir, mounted), files); err != nil {
			t.Fatal(err)
		}
	}
	compose, err := os.ReadFile(filepath.Join(engine.Root, "docker-compose.yml"))
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
			out, _ := engine.Command{Dir: p.dir, AtEnd: true}.Run(
				"docker", "compose", "logs", "--no-color", "--tail", "40")
			t.Logf("logs of %s:\n%s", p.name, out)
		}
		// The real compose file names everything that has to be removed, even if a test has spoilt
		// the project's own files.
		file := filepath.Join(engine.Root, "docker-compose.yml")
		engine.Clean(t, "docker", "compose", "-p", p.name, "-f", file,
			"down", "--volumes", "--remove-orphans", "--timeout", "1")
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
	return engine.Command{Dir: p.dir}.Run("docker", args...)
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
		p.awaitHealth(service, "healthy")
	}
}

// awaitHealth waits until a service runs, and its health is as Docker calls it.
func (p *project) awaitHealth(service, health string) {
	p.Helper()
	engine.Eventually(p, service+" "+health, func() error {
		state := p.inspect(service, "{{.State.Status}}, {{.State.Health.Status}}")
		if state != "running, "+health {
			return fmt.Errorf("it is %s", state)
		}
		return nil
	})
}

// awaitLog waits until the log of a service's container contains these words.
func (p *project) awaitLog(service, words string) {
	p.Helper()
	p.awaitLogSince(time.Unix(0, 0), service, words)
}

// awaitLogSince leaves out what was logged before start. Take start before the container starts,
// because its StartedAt may be later than its first words.
func (p *project) awaitLogSince(start time.Time, service, words string) {
	p.Helper()
	engine.Eventually(p, fmt.Sprintf("%q in the log of %s", words, service), func() error {
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
		"--entrypoint", "sh", engine.Image("cache"), "-c", script}
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
