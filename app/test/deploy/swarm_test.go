package deploy

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"

	"simpleapp/test/engine"
)

// TestSwarm runs the operator's commands on a site while visitors use it. It is not parallel, so
// that no other test slows the site down.
func TestSwarm(t *testing.T) {
	leaveSwarmAtEnd(t)
	registry := newRegistry(t)
	s := newStack(t)
	out, err := engine.Run("docker", "stack", "config", "-c", "docker-stack.yml")
	if err != nil || !strings.HasPrefix(out, "version:") {
		t.Errorf("docker stack config: %v\n%s", err, out)
	}
	s.make("push", "REGISTRY="+registry, "VERSION="+engine.Version)
	for _, service := range services { // so that the engine has to pull the images
		docker(t, "image", "rm", registry+engine.Image(service))
	}
	s.make("deploy", "REGISTRY="+registry, "VERSION="+engine.Version)

	older, newer := variant(t, registry, "older", ""), variant(t, registry, "newer", "")
	s.withoutFailures("updated twice", func(s *stack) {
		for _, version := range []string{older, newer} {
			s.make("deploy", "VERSION="+version)
			s.wantRunning(version, 2)
		}
	})
	s.withoutFailures("scaled", func(s *stack) {
		for _, n := range []int{6, 1, 2} {
			s.make("scale", fmt.Sprintf("N=%d", n))
			if running := len(s.containers("app")); running < n {
				s.Errorf("after make scale N=%d, %d run", n, running)
			}
			if got := s.replicas(); got != fmt.Sprint(n) {
				s.Errorf("after make scale N=%d the service has %s replicas", n, got)
			}
			s.awaitReplicas()
		}
	})
	s.withoutFailures("deployed again", func(s *stack) {
		running := s.containers("app")
		s.make("deploy") // changes nothing
		s.wantRunning(newer, 2)
		if again := s.containers("app"); strings.Join(again, " ") != strings.Join(running, " ") {
			s.Errorf("after make deploy without a change %s run, want still %s", again, running)
		}
	})
	s.withoutFailures("rolled back and forward", func(s *stack) {
		s.make("rollback")
		s.wantRunning(older, 2)
		s.make("rollback") // undoes the first one
		s.wantRunning(newer, 2)
	})
	s.withoutFailures("force-updated", func(s *stack) {
		docker(s, "service", "update", "--quiet", "--detach=false", "--force", s.name+"_app")
		s.wantRunning(newer, 2)
	})

	crashing := variant(t, registry, "crashing", "ENV ADDR=nonsense")
	unhealthy := variant(t, registry, "unhealthy",
		`HEALTHCHECK --interval=5s CMD ["/simpleapp", "no such command"]`)
	wrong := s.name + "_wrong_password"
	dockerWithInput(t, rand.Text(), "secret", "create", "--label", "simpleapp.stack="+s.name,
		wrong, "-")
	for _, bad := range []struct {
		name   string
		deploy []string
		reason string
	}{
		{"a version that crashes", []string{"VERSION=" + crashing},
			"ADDR: listen tcp: address nonsense"},
		{"a version that is never healthy", []string{"VERSION=" + unhealthy},
			"stopped as unhealthy"},
		{"a wrong password", []string{"MYSQL_PASSWORD_SECRET=" + wrong},
			"MySQL does not accept MYSQL_USER with the password in MYSQL_PASSWORD_FILE"},
	} {
		s.withoutFailures(bad.name, func(s *stack) {
			out, err := s.tryMake("deploy", bad.deploy...)
			wantFailure(s, "make deploy of "+bad.name, out, err, bad.reason, "was rolled back")
			if n := strings.Count(out, "  task "); n != 1 {
				s.Errorf("make deploy of %s shows %d tasks, want the one that failed:\n%s",
					bad.name, n, out)
			}
			s.wantRunning(newer, 2)
		})
	}
	docker(t, "secret", "rm", wrong)
	s.withoutFailures("scaled while a version is updated that is never healthy", func(s *stack) {
		docker(s, "service", "update", "--quiet", "--detach",
			"--image", registry+"mysimpleapp_app:"+unhealthy, s.name+"_app")
		out, err := s.tryMake("scale", "N=3")
		if want := "app was rolled back"; err != nil || !strings.Contains(out, want) {
			s.Errorf("make scale: %v, want success after %q:\n%s", err, want, out)
		}
		s.wantRunning(newer, 3)
		s.make("scale", "N=2")
	})

	kills := 0
	report := s.underLoad("killed", func(s *stack) {
		for _, container := range s.containers("app") {
			kills++
			docker(s, "kill", "--signal", "KILL", container)
			engine.Eventually(s, "another task takes its place", func() error {
				now := s.containers("app")
				if slices.Contains(now, container) || len(now) != 2 {
					return fmt.Errorf("%s run after %s was killed", now, container)
				}
				if out, err := s.tryMake("status"); err != nil {
					return fmt.Errorf("%w\n%s", err, out)
				}
				return nil
			})
			s.awaitReplicas()
		}
	})
	if most := kills * report.Visitors; kills == 0 || report.Failed() > most {
		t.Errorf("%d requests failed in %d kills, want at most the %d in flight",
			report.Failed(), kills, most)
	}

	s.withoutFailures("rotated", func(s *stack) { s.rotate() })
	s.restartServers()
	s.backupAndRestore()
}

// wantRunning checks that a version runs with a number of replicas, and that db and cache have not
// been restarted.
func (s *stack) wantRunning(version string, replicas int) {
	s.Helper()
	if image := s.image(); !strings.Contains(image, "/team/mysimpleapp_app:"+version+"@sha256:") {
		s.Errorf("%s runs, want version %s by the registry's digest", image, version)
	}
	if out, err := s.tryMake("status"); err != nil {
		s.Errorf("make status: %v\n%s", err, out)
	}
	if n := s.replicas(); n != fmt.Sprint(replicas) {
		s.Errorf("%s replicas, want %d", n, replicas)
	}
	for _, service := range []string{"db", "cache"} {
		tasks := docker(s, "service", "ps", "--quiet", s.name+"_"+service)
		if n := len(strings.Fields(tasks)); n != 1 {
			s.Errorf("%s has had %d tasks, want 1: it was restarted", service, n)
		}
	}
}
