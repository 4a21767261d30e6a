package deploy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

// commandsOf returns the commands in the README's section with this heading.
func commandsOf(t *testing.T, heading string) (commands []string) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(engine.Root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		if command, indented := strings.CutPrefix(line, "    "); indented {
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	return commands
}

// The README's commands make a site with five replicas on one machine without a registry.
func TestReadmeTriesSwarmOnOneMachine(t *testing.T) {
	leaveSwarmAtEnd(t)
	s := namedStack(t)
	commands := commandsOf(t, "Try Swarm on one machine")
	if len(commands) != 4 {
		t.Fatalf("the README has the commands %q, want four", commands)
	}
	for _, line := range commands {
		engine.Must(t, "env", "STACK="+s.name, fmt.Sprintf("HTTP_PORT=%d", s.port),
			"VERSION="+engine.Version, "MONITOR=5s", "bash", "-c", line)
	}
	name := regexp.MustCompile(`^[1-5]\.` + docker(t, "info", "--format", "{{.Name}}") + `$`)
	names := map[string]bool{}
	engine.Eventually(t, "five replicas answer", func() error {
		answer, err := s.ping()
		if err != nil {
			return err
		}
		if !name.MatchString(answer.Instance) || answer.Version != engine.Version {
			t.Fatalf("%s of version %s answered, want a replica such as 3.node4 of version %s",
				answer.Instance, answer.Version, engine.Version)
		}
		names[answer.Instance] = true
		if len(names) < 5 {
			return fmt.Errorf("%d have answered", len(names))
		}
		return nil
	})
	s.make("status")
	const prompt = "STACK=$0 make --no-print-directory sql <<<'SHOW TABLES'"
	out, err := engine.Run("bash", "-c", prompt, s.name)
	if err != nil || !strings.Contains(out, "submissions\n") {
		t.Errorf("%s: %v\n%s", prompt, err, out)
	}
	s.wantNoRoom()
	s.tryHTTPS()
}

// wantNoRoom checks that make scale would recognize what Swarm says about a task for which no node
// has room. The package ops tests what make scale does then.
func (s *stack) wantNoRoom() {
	s.Helper()
	huge := s.name + "_huge"
	docker(s, "service", "create", "--quiet", "--detach", "--no-resolve-image", "--name", huge,
		"--reserve-cpu", "9999", engine.Image("app"))
	atEnd(s, "service", "rm", huge)
	const noRoom = `. ops/lib.sh; . ops/running.sh; no_room huge`
	engine.Eventually(s, "no node has room", func() error {
		out, err := engine.Run("env", "STACK="+s.name, "bash", "-c", noRoom, "scale")
		if err != nil || !strings.HasPrefix(out, "no suitable node (insufficient resources") {
			return fmt.Errorf("it says %q (%v)", out, err)
		}
		return nil
	})
}

// tryHTTPS deploys the site with a DOMAIN and an authority that nobody reaches. The site goes on
// with plain http, and make status says why it has no certificate.
func (s *stack) tryHTTPS() {
	s.Helper()
	port := testsite.FreePort(s)
	connect := func() error {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 30 * time.Second}, "tcp",
			fmt.Sprintf("127.0.0.1:%d", port), nil)
		if err == nil {
			conn.Close()
		}
		return err
	}
	s.make("deploy", "DOMAIN=food.example.test", "ACME_EMAIL=me@example.com",
		fmt.Sprintf("HTTPS_PORT=%d", port), "ACME_DIRECTORY=https://127.0.0.1:1/directory")
	engine.Eventually(s, "make status says why there is no certificate", func() error {
		out, err := s.tryMake("status")
		if err == nil || !strings.Contains(out, "the authority can't be reached") {
			return fmt.Errorf("%v\n%s", err, out)
		}
		return nil
	})
	s.submit()
	if err := connect(); err == nil || !strings.Contains(err.Error(), "internal error") {
		s.Errorf("the port of https = %v, want that the site answers without a certificate", err)
	}
	s.make("deploy", "DOMAIN=off")
	s.make("status")
	engine.Eventually(s, "the port of https is closed after DOMAIN=off", func() error {
		if err := connect(); !errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("a connection = %v, want that it is refused", err)
		}
		return nil
	})
}
