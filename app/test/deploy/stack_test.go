package deploy

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"simpleapp/test/deploy/load"
)

// rate of the load in requests a second.
const rate = 200

// A stack is one deployment of docker-stack.yml by the operator's commands: its own services, networks, volumes,
// secrets, labels and port. With STACK_RENDER, a command, the file is rewritten on its way to the engine.
type stack struct {
	testing.TB
	name      string
	port      int
	passwords string // file with those of the first start
}

// newStack prepares a stack under a random name; with it ends what was started in it.
func newStack(t testing.TB) *stack {
	t.Helper()
	s := &stack{t, "test" + strings.ToLower(rand.Text()[:8]), freePort(t), filepath.Join(t.TempDir(), "passwords")}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := s.try("status")
			t.Logf("%s:\n%s", s.name, out)
		}
		if out, err := s.try("undeploy"); err != nil {
			t.Errorf("make undeploy: %v\n%s", err, out)
		}
		// Also after ctrl-C, which ends the other commands.
		all := fmt.Sprintf(`docker node update --label-rm %[1]s.db --label-rm %[1]s.cache "$(docker info --format '{{.Swarm.NodeID}}')"
			docker secret ls --quiet --filter label=simpleapp.stack=%[1]s | xargs --no-run-if-empty docker secret rm
			for i in $(seq 60); do [ -z "$(docker ps --all --quiet --filter label=com.docker.stack.namespace=%[1]s)" ] && break; sleep 1; done
			docker volume rm --force %[1]s_db_data %[1]s_cache_data`, s.name)
		if out, err := command(context.Background(), "", "bash", "-c", all); err != nil {
			t.Errorf("remove what is left of %s: %v\n%s", s.name, err, out)
		}
	})
	out := s.make("swarm-init", "ADVERTISE_ADDR=127.0.0.1", "PASSWORDS="+s.passwords)
	for _, name := range []string{"mysql_root_password", "mysql_password", "redis_password"} {
		if strings.Contains(out, s.password(name)) {
			t.Errorf("make swarm-init prints %s", name)
		}
	}
	if again := s.make("swarm-init", "PASSWORDS="+s.passwords); strings.Contains(again, "created") {
		t.Errorf("make swarm-init a second time:\n%s", again)
	}
	return s
}

// inSwarm takes the engine out of the swarm at the end, if the test brought it there and nobody else came to use it.
func inSwarm(t testing.TB) {
	t.Helper()
	if docker(t, "info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive" {
		t.Cleanup(func() {
			if out, err := command(context.Background(), "", "bash", "-c", `
				[ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = inactive ] || [ -n "$(docker service ls --quiet)" ] || docker swarm leave --force`); err != nil {
				t.Errorf("docker swarm leave: %v\n%s", err, out)
			}
		})
	}
}

// try runs an operator's command. A failing update is to show within seconds, not after the minute of production.
func (s *stack) try(target string, args ...string) (string, error) {
	env := []string{"-u", "VERSION", "STACK=" + s.name, fmt.Sprintf("HTTP_PORT=%d", s.port), "MONITOR=5s", "START_PERIOD=5s", "TIMEOUT=400"}
	return command(context.Background(), root, "env", append(append(env, "make", "--no-print-directory", target), args...)...)
}

// make runs an operator's command, which has to succeed.
func (s *stack) make(target string, args ...string) string {
	s.Helper()
	out, err := s.try(target, args...)
	if err != nil {
		s.Fatalf("make %s %s: %v\n%s", target, strings.Join(args, " "), err, out)
	}
	return out
}

// password returns one of the first start.
func (s *stack) password(name string) string {
	s.Helper()
	content, err := os.ReadFile(s.passwords)
	match := regexp.MustCompile(`(?m)^` + name + `=(\S{20,})$`).FindSubmatch(content)
	if err != nil || match == nil {
		s.Fatalf("no %s in the operator's file: %v", name, err)
	}
	return string(match[1])
}

// service returns what a template says of a service.
func (s *stack) service(name, template string) string {
	s.Helper()
	return docker(s, "service", "inspect", "--format", template, s.name+"_"+name)
}

func (s *stack) image() string {
	s.Helper()
	return s.service("app", "{{.Spec.TaskTemplate.ContainerSpec.Image}}")
}

// containers returns the running ones of a service.
func (s *stack) containers(service string) []string {
	s.Helper()
	return strings.Fields(docker(s, "ps", "--quiet", "--filter", "label=com.docker.swarm.service.name="+s.name+"_"+service))
}

// settled waits until every replica runs and what they replaced is gone.
func (s *stack) settled() {
	s.Helper()
	eventually(s, "one container for each replica", func() error {
		if n := len(s.containers("app")); fmt.Sprint(n) != s.service("app", "{{.Spec.Mode.Replicated.Replicas}}") {
			return fmt.Errorf("%d containers run", n)
		}
		return nil
	})
}

func (s *stack) address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func (s *stack) visits() (n int) {
	s.Helper()
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer := struct{ Visits *int }{&n}
	eventually(s, "the visit count", func() error {
		resp, err := client.Get("http://" + s.address() + "/ping")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Visits == nil {
			return fmt.Errorf("/ping = %d, %v", resp.StatusCode, err)
		}
		return nil
	})
	return n
}

// rows returns every submission by its token.
func (s *stack) rows() map[string]string {
	s.Helper()
	out := asRoot(s, s.containers("db")[0], `SELECT token, id, first_name, last_name, favourite_food,
		country, created_at FROM submissions`)
	rows := map[string]string{}
	for line := range strings.Lines(out) {
		token, rest, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if token == "" {
			continue
		}
		if _, twice := rows[token]; twice {
			s.Errorf("submission %s is stored twice", token)
		}
		rows[token] = rest
	}
	return rows
}

// under runs an operation while visitors are at work, and then compares what they were told with what is stored.
func (s *stack) under(name string, operation func(*stack)) load.Report {
	var report load.Report
	s.TB.(*testing.T).Run(name, func(t *testing.T) {
		s := &stack{t, s.name, s.port, s.passwords}
		s.settled()
		visits, before := s.visits(), s.rows()
		l := load.Start(s.address(), rate)
		defer func() {
			s.settled()
			done := l.Requests()
			eventually(t, "visitors see the site after "+name, func() error {
				if l.Requests() < done+2*rate {
					return errors.New("too few requests")
				}
				return nil
			})
			report = l.Stop()
			t.Log(report)
			if n := s.visits() - visits; n < report.HomePages || n > report.HomePages+report.UnknownVisits {
				t.Errorf("%d visits are counted for %d home pages served (and %d without an answer)", n, report.HomePages, report.UnknownVisits)
			}
			migrated(s, s.containers("db")[0])
			rows := s.rows()
			for token := range report.Confirmed {
				if _, stored := rows[token]; !stored {
					t.Errorf("submission %s was confirmed and is not stored", token)
				}
			}
			for token := range rows {
				if _, earlier := before[token]; !earlier && !report.Confirmed[token] && !report.UnknownSubmissions[token] {
					t.Errorf("submission %s is stored and was not confirmed", token)
				}
			}
		}()
		operation(s)
	})
	return report
}

// unnoticed runs an operation under load, in which no request may fail.
func (s *stack) unnoticed(name string, operation func(*stack)) {
	s.Helper()
	report := s.under(name, operation)
	if report.Failed() > 0 {
		s.Errorf("%s: %d requests failed, want none", name, report.Failed())
	}
	if 100*report.Unnumbered > report.HomePages {
		s.Errorf("%s: %d of %d home pages had no number: was cache away?", name, report.Unnumbered, report.HomePages)
	}
}
