package deploy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

func dataSurvives(p *project) {
	checkKept := p.submitAndVisit()
	p.compose("restart")
	p.awaitHealthy()
	checkKept("restart")

	for _, service := range services {
		restarts := p.inspect(service, "{{.RestartCount}}")
		p.kill(service)
		engine.Eventually(p, service+" starts again", func() error {
			if p.inspect(service, "{{.RestartCount}}") == restarts {
				return fmt.Errorf("it has restarted %s times", restarts)
			}
			return nil
		})
		p.awaitHealthy()
		checkKept("kill -9 of " + service)
	}

	p.compose("down")
	left := docker(p, "ps", "--all", "--quiet",
		"--filter", "label=com.docker.compose.project="+p.name)
	if left != "" {
		p.Errorf("down left containers: %s", left)
	}
	p.compose("up", "--wait")
	checkKept("down and up")
}

func anyOrder(p *project) {
	checkKept := p.submitAndVisit()
	// The orders with app last are left out: docker compose up starts app last, and the order of db
	// and cache does not matter, because they can't reach each other.
	for _, order := range [][]string{
		{"app", "db", "cache"}, {"app", "cache", "db"}, {"db", "app", "cache"},
		{"cache", "app", "db"},
	} {
		p.compose("stop")
		up := map[string]bool{}
		for _, service := range order {
			start := time.Now()
			docker(p, "start", p.container(service))
			up[service] = true
			// Start the next service once this one is healthy, or once the app says which server it
			// waits for.
			switch {
			case service == "app" && !up["db"]:
				p.awaitLogSince(start, "app", "Host [db:3306] not yet available")
			case service == "app" && !up["cache"]:
				p.awaitLogSince(start, "app", "Host [cache:6379] not yet available")
			default:
				p.awaitHealthy(service)
			}
		}
		p.awaitHealthy()
		checkKept("start in the order " + strings.Join(order, ", "))
	}
}

// slowFirstStart makes a first start of MySQL a minute slower.
const slowFirstStart = `
services:
  db:
    entrypoint: [bash, -c, 'sleep 60; exec db-entrypoint "$$@"', db-entrypoint]
    command: [mysqld]
`

func TestSlowFirstStartOfMySQL(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*project){
		"compose waits": func(p *project) { p.compose("up", "--wait") },
		"the app waits": func(p *project) {
			p.compose("create")
			for _, service := range []string{"app", "cache", "db"} {
				docker(p, "start", p.container(service))
			}
			p.awaitHealthy()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t, slowFirstStart)
			began := time.Now()
			start(p)
			if took := time.Since(began); took < time.Minute {
				t.Errorf("ready after %v, want a minute at least: db was not delayed", took)
			}
			for _, service := range services {
				if n := p.inspect(service, "{{.RestartCount}}"); n != "0" {
					t.Errorf("%s was restarted %s times", service, n)
				}
			}
			p.visitor().submit()
		})
	}
}

func stopCutsNoRequest(p *project) {
	v := p.visitor()
	form := v.get("/simpleform")
	grace := p.inspect("app", "{{.Config.StopTimeout}}")
	limit, err := time.ParseDuration(grace + "s")
	if err != nil {
		p.Fatalf("the app's grace period: %v", err)
	}

	// Other visitors go on submitting on their connections until an answer tells them to close
	// these.
	var confirmed []string
	var mu sync.Mutex
	var visitors sync.WaitGroup
	defer visitors.Wait()
	ctx, cancel := context.WithTimeout(engine.UntilInterrupted, engine.Patience)
	defer cancel()
	for range 4 {
		visitors.Go(func() {
			client := testserver.NewBrowser(30 * time.Second)
			defer client.CloseIdleConnections()
			for closing := false; !closing; {
				if err := ctx.Err(); err != nil {
					p.Errorf("no answer has told a visitor to close its connection: %v", err)
					return
				}
				values := answers()
				answer, err := testsite.Store(client, v.site, values)
				if err != nil {
					p.Errorf("while it stops: %v", err)
					return
				}
				closing = answer.Close
				mu.Lock()
				confirmed = append(confirmed, values.Get("token"))
				mu.Unlock()
			}
		})
	}
	engine.Eventually(p, "visitors submit", func() error {
		mu.Lock()
		defer mu.Unlock()
		if n := len(confirmed); n < 20 && !p.Failed() {
			return fmt.Errorf("%d submissions are confirmed", n)
		}
		return nil
	})

	// When the stop begins, half of this submission has been sent.
	slow := fillIn(form)
	body := slow.Encode()
	conn, err := net.Dial("tcp", strings.TrimPrefix(v.site, "http://"))
	if err != nil {
		p.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /simpleform HTTP/1.1\r\n"+
		"Host: simpleapp.test\r\n"+
		"Origin: http://simpleapp.test\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\n\r\n%s", len(body), body[:len(body)/2])

	stopped := make(chan error, 1)
	began := time.Now()
	go func() {
		_, err := tryDocker("stop", "--time", grace, p.container("app"))
		stopped <- err
	}()
	visitors.Wait()
	engine.Eventually(p, "the app stops listening", func() error {
		client := &http.Client{
			Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second,
		}
		if resp, err := client.Get(v.site + "/ping"); err == nil {
			resp.Body.Close()
			return fmt.Errorf("it answers %d", resp.StatusCode)
		}
		return nil
	})
	if _, err := io.WriteString(conn, body[len(body)/2:]); err != nil {
		p.Errorf("send the rest of a submission: %v", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusSeeOther {
		p.Errorf("the submission in flight was answered %v, %v, want 303", resp, err)
	}
	if err := <-stopped; err != nil {
		p.Errorf("docker stop: %v", err)
	}
	if took := time.Since(began); took >= limit {
		p.Errorf("docker stop took %v, want less than the grace period of %v", took, limit)
	}
	state := p.inspect("app", "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}")
	if state != "exited 0 false" {
		p.Errorf("after docker stop the app is %s, want exited 0 false", state)
	}

	confirmed = append(confirmed, slow.Get("token"))
	stored, err := p.sql("SELECT COUNT(*) FROM submissions WHERE token IN ('" +
		strings.Join(confirmed, "','") + "')")
	if err != nil || strings.TrimSpace(stored) != fmt.Sprint(len(confirmed)) {
		p.Errorf("%s submissions are stored (%v), want the %d that were confirmed",
			stored, err, len(confirmed))
	}
}
