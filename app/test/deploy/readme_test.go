package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
