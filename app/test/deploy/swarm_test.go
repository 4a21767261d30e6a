package deploy

import (
	"crypto/rand"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// TestSwarm does to a site what operators do, while visitors use it. It has the machine for itself: not parallel.
func TestSwarm(t *testing.T) {
	inSwarm(t)
	registry := newRegistry(t)
	s := newStack(t)
	out, err := command(interrupted, root, "docker", "stack", "config", "-c", "docker-stack.yml")
	if err != nil || !strings.HasPrefix(out, "version:") {
		t.Errorf("docker stack config: %v\n%s", err, out)
	}
	s.make("push", "REGISTRY="+registry, "VERSION="+tag)
	for _, service := range services { // so that the engine has to pull them
		docker(t, "image", "rm", registry+image(service))
	}
	s.make("deploy", "REGISTRY="+registry, "VERSION="+tag)

	s.unnoticed("updated five times", func(s *stack) {
		for i := range 5 {
			version := variant(t, registry, fmt.Sprint(i), "")
			s.make("deploy", "VERSION="+version)
			s.runs(version, 2)
		}
	})
	s.unnoticed("scaled", func(s *stack) {
		for _, n := range []int{6, 1, 3} {
			s.make("scale", fmt.Sprintf("N=%d", n))
			if running := len(s.containers("app")); running < n {
				s.Errorf("after make scale N=%d, %d run", n, running)
			}
		}
	})
	s.unnoticed("deployed again", func(s *stack) {
		running := s.containers("app")
		s.make("deploy") // nothing changes, least of all the scale
		s.runs(tag+"-4", 3)
		if again := s.containers("app"); strings.Join(again, " ") != strings.Join(running, " ") {
			s.Errorf("make deploy without a change: %s became %s", running, again)
		}
	})
	s.unnoticed("rolled back", func(s *stack) {
		s.make("rollback")
		s.runs(tag+"-3", 3)
	})
	s.unnoticed("force-updated", func(s *stack) {
		docker(s, "service", "update", "--quiet", "--detach=false", "--force", s.name+"_app")
		s.runs(tag+"-3", 3)
	})

	crashing := variant(t, registry, "crashing", "ENV ADDR=nonsense")
	ill := variant(t, registry, "ill", `HEALTHCHECK CMD ["/simpleapp", "no such command"]`)
	wrong := s.name + "_mysql_password_v99"
	secret := exec.Command("docker", "secret", "create", "--label", "simpleapp.stack="+s.name, wrong, "-")
	secret.Stdin = strings.NewReader(rand.Text())
	if out, err := secret.CombinedOutput(); err != nil {
		t.Fatalf("docker secret create: %v\n%s", err, out)
	}
	for _, bad := range []struct {
		name   string
		deploy []string
		reason string
	}{
		{"a version that crashes", []string{"VERSION=" + crashing}, "ADDR: listen tcp: address nonsense"},
		{"a version that is never healthy", []string{"VERSION=" + ill}, "stopped as unhealthy"},
		{"a wrong password", []string{"MYSQL_PASSWORD_VERSION=99"}, "the password in MYSQL_PASSWORD_FILE is not the one this database has"},
	} {
		s.unnoticed(bad.name, func(s *stack) {
			out, err := s.try("deploy", bad.deploy...)
			says(s, "make deploy of "+bad.name, out, err, bad.reason, "was rolled back")
			if n := strings.Count(out, "  task "); n != 1 {
				s.Errorf("make deploy of %s quotes %d tasks, want the one that failed:\n%s", bad.name, n, out)
			}
			s.runs(tag+"-3", 3)
		})
	}
	docker(t, "secret", "rm", wrong)

	report := s.under("killed", func(s *stack) {
		for _, container := range s.containers("app") {
			docker(s, "kill", "--signal", "KILL", container)
			eventually(s, "make status tells that one is missing", func() error {
				if out, err := s.try("status"); err == nil || !strings.Contains(out, "2 of 3 run as wanted") {
					return fmt.Errorf("%v\n%s", err, out)
				}
				return nil
			})
			eventually(s, "another task takes its place", func() error {
				if out, err := s.try("status"); err != nil {
					return fmt.Errorf("%w\n%s", err, out)
				}
				return nil
			})
			s.settled()
		}
	})
	t.Logf("SIGKILL of one task at a time: %d of %d requests failed, those in flight", report.Failed(), report.Requests)

	for _, name := range []string{"mysql_password", "redis_password"} {
		s.unnoticed("rotated "+name, func(s *stack) { s.rotate(name) })
	}
	s.restartStores()
	s.backupAndRestore()
}

// runs checks that a version runs with a number of replicas, and that neither db nor cache was restarted.
func (s *stack) runs(version string, replicas int) {
	s.Helper()
	if image := s.image(); !strings.Contains(image, "/team/mysimpleapp_app:"+version+"@sha256:") {
		s.Errorf("%s runs, want version %s as the registry has it", image, version)
	}
	if out, err := s.try("status"); err != nil {
		s.Errorf("make status: %v\n%s", err, out)
	}
	if n := s.service("app", "{{.Spec.Mode.Replicated.Replicas}}"); n != fmt.Sprint(replicas) {
		s.Errorf("%s replicas, want %d", n, replicas)
	}
	for _, store := range []string{"db", "cache"} {
		if tasks := docker(s, "service", "ps", "--quiet", s.name+"_"+store); len(strings.Fields(tasks)) != 1 {
			s.Errorf("%s was restarted", store)
		}
	}
}
