package deploy

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

// A stack is one deployment of docker-stack.yml by the operator's commands. It has its own
// services, networks, volumes, secrets, labels and port. STACK_RENDER may name a command that
// rewrites the file for this engine.
type stack struct {
	testing.TB
	name      string
	port      int
	passwords string // the file of the first passwords
}

// in returns the stack for a part of the test.
func (s *stack) in(t testing.TB) *stack { return &stack{t, s.name, s.port, s.passwords} }

// namedStack returns a stack with a random name, which does not exist yet. The end of the test
// removes it.
func namedStack(t testing.TB) *stack {
	t.Helper()
	s := &stack{t, engine.RandomName(), testsite.FreePort(t),
		filepath.Join(t.TempDir(), "passwords")}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := s.tryMake("status")
			t.Logf("%s:\n%s", s.name, out)
		}
		engine.Clean(t, "env", s.command("undeploy")...)
		const removeRest = `set -euo pipefail
			node=$(docker info --format '{{.Swarm.NodeID}}')
			docker node update --label-rm $0.cache "$node" || true # it may have none
			for kind in secret config; do
				docker $kind ls --quiet --filter label=simpleapp.stack=$0 |
					xargs --no-run-if-empty docker $kind rm
			done
			containers() { docker ps --all --quiet --filter name=^$0_ "$@"; }
			containers --filter status=exited | # of completed jobs; Swarm removes some, too
				xargs --no-run-if-empty docker rm || true
			for i in $(seq 300); do [ -z "$(containers)" ] && break; sleep 1; done
			docker volume rm --force $0_db_data $0_cache_data`
		engine.Clean(t, "bash", "-c", removeRest, s.name)
	})
	return s
}

// newStack is namedStack with the secrets of make swarm-init. The operator has chosen one of the
// passwords, in a file without a line end.
func newStack(t testing.TB) *stack {
	t.Helper()
	s := namedStack(t)
	err := os.WriteFile(s.passwords, []byte("mysql_password="+rand.Text()), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	out := s.make("swarm-init", "ADVERTISE_ADDR=127.0.0.1", "PASSWORDS="+s.passwords)
	for _, name := range []string{"mysql_password", "redis_password"} {
		if strings.Contains(out, s.password(name)) {
			t.Errorf("make swarm-init prints %s", name)
		}
	}
	if again := s.make("swarm-init", "PASSWORDS="+s.passwords); strings.Contains(again, "created") {
		t.Errorf("make swarm-init a second time:\n%s", again)
	}
	return s
}

// leaveSwarmAtEnd makes the engine leave the swarm at the end of the test, unless other services
// run there. If the engine is in a swarm now, it stays in it.
func leaveSwarmAtEnd(t testing.TB) {
	t.Helper()
	if docker(t, "info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive" {
		t.Cleanup(func() {
			engine.Clean(t, "bash", "-c", `
				[ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = inactive ] ||
				[ -n "$(docker service ls --quiet)" ] || docker swarm leave --force`)
		})
	}
}

// tryMake runs an operator's command.
func (s *stack) tryMake(target string, args ...string) (string, error) {
	return engine.Run("env", s.command(target, args...)...)
}

// make is tryMake for a command that has to succeed.
func (s *stack) make(target string, args ...string) string {
	s.Helper()
	return engine.Must(s, "env", s.command(target, args...)...)
}

// command returns the arguments of env for an operator's command. The times let a failing update
// show within seconds, in place of the minute that production takes.
func (s *stack) command(target string, args ...string) []string {
	env := []string{"-u", "VERSION", "STACK=" + s.name, fmt.Sprintf("HTTP_PORT=%d", s.port),
		"MONITOR=5s", "START_PERIOD=5s", "TIMEOUT=400", "make", "--no-print-directory", target}
	return append(env, args...)
}

// password returns a password of the first start.
func (s *stack) password(name string) string {
	s.Helper()
	content, err := os.ReadFile(s.passwords)
	match := regexp.MustCompile(`(?m)^` + name + `=(\S{20,})$`).FindSubmatch(content)
	if err != nil || match == nil {
		s.Fatalf("the operator's file has no %s: %v", name, err)
	}
	return string(match[1])
}

// service returns a template's view of a service.
func (s *stack) service(name, template string) string {
	s.Helper()
	return docker(s, "service", "inspect", "--format", template, s.name+"_"+name)
}

func (s *stack) image() string {
	s.Helper()
	return s.service("app", "{{.Spec.TaskTemplate.ContainerSpec.Image}}")
}

// replicas returns the number of the app's replicas that Swarm is to run.
func (s *stack) replicas() string {
	s.Helper()
	return s.service("app", "{{.Spec.Mode.Replicated.Replicas}}")
}

// containers returns the ids of a service's running containers.
func (s *stack) containers(service string) []string {
	s.Helper()
	return strings.Fields(docker(s, "ps", "--quiet",
		"--filter", "label=com.docker.swarm.service.name="+s.name+"_"+service))
}

// awaitReplicas waits until every replica of the app runs and the replaced containers are gone.
func (s *stack) awaitReplicas() {
	s.Helper()
	engine.Eventually(s, "one container for each replica", func() error {
		n := len(s.containers("app"))
		if want := s.replicas(); fmt.Sprint(n) != want {
			return fmt.Errorf("%d containers run, want %s", n, want)
		}
		return nil
	})
}

func (s *stack) address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// A pong is what a replica answers to /ping.
type pong struct {
	Instance, Version string
	Visits            *int
}

// ping asks any of the replicas.
func (s *stack) ping() (answer pong, err error) {
	client := &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
	}
	resp, err := client.Get("http://" + s.address() + "/ping")
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer, err
}

func (s *stack) visits() (n int) {
	s.Helper()
	engine.Eventually(s, "the visit count", func() error {
		answer, err := s.ping()
		if err != nil || answer.Visits == nil {
			return fmt.Errorf("/ping = %+v, %v", answer, err)
		}
		n = *answer.Visits
		return nil
	})
	return n
}

// rows returns every submission by its token.
func (s *stack) rows() map[string]string {
	s.Helper()
	out := asRoot(s, s.containers("db")[0], `SELECT token, first_name, last_name,
		favourite_food, country, created_at FROM submissions`)
	rows, err := engine.Rows(out)
	if err != nil {
		s.Fatal(err)
	}
	return rows
}
