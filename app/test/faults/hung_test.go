package faults

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"simpleapp/internal/testserver"
)

// hang makes a server hang until the function it returns is called, at the latest when the test ends.
func hang(t *testing.T, server *testserver.Server) (resume func()) {
	t.Helper()
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	resume = sync.OnceFunc(func() {
		if err := server.Signal(syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(resume)
	return resume
}

// recovery is how long the site may take after a server has come back.
const recovery = 5 * time.Second

func TestRedisHung(t *testing.T) {
	empty(t)
	app := startApp(t, environ(database.Addr, cache.Addr))
	waitFor(t, 30*time.Second, "a number", func() bool {
		_, number, err := visit(app.Addr)
		return err == nil && number > 0
	})
	resume := hang(t, cache)
	const visitors, each = 32, 50
	var mu sync.Mutex
	var took []time.Duration
	var load sync.WaitGroup
	for range visitors {
		load.Go(func() {
			for range each {
				start := time.Now()
				status, number, err := visit(app.Addr)
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
				if err != nil || status != http.StatusOK || number != 0 {
					t.Errorf("GET / = %d, number %d, %v; want 200 without a number", status, number, err)
				}
			}
		})
	}
	load.Wait()
	slices.Sort(took)
	if p99 := took[len(took)*99/100]; p99 >= 500*time.Millisecond { // what visitors are promised
		t.Errorf("99th percentile %v, want under 500 ms", p99)
	}
	if status, _, err := submit(app.Addr, submission("Pizza")); err != nil || status != http.StatusSeeOther {
		t.Errorf("POST while Redis hangs = %d, %v, want 303", status, err)
	}

	resume()
	var number int64
	waitFor(t, recovery, "a number after Redis is back", func() bool {
		var err error
		_, number, err = visit(app.Addr)
		return err == nil && number > 0
	})
	if number <= visitors*each {
		t.Errorf("the visitor after %d others is number %d", visitors*each, number)
	}
}

func TestMySQLHung(t *testing.T) {
	empty(t)
	app := startApp(t, environ(database.Addr, cache.Addr))
	if status, _, err := submit(app.Addr, submission("Soup")); err != nil || status != http.StatusSeeOther {
		t.Fatalf("POST = %d, %v, want 303", status, err)
	}
	resume := hang(t, database)
	var load sync.WaitGroup
	for range 32 {
		load.Go(func() {
			start := time.Now()
			status, body, err := submit(app.Addr, submission("寿司 & O'Brien"))
			if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(body, "寿司 &amp; O&#39;Brien") {
				t.Errorf("POST while MySQL hangs = %d, %v, want 503 with the answers kept", status, err)
			}
			if took := time.Since(start); took > 5*time.Second { // what visitors are promised
				t.Errorf("POST took %v, want 5 s at most", took)
			}
		})
	}
	for _, path := range []string{"/", "/simpleform"} {
		resp, err := plain.Get("http://" + app.Addr + path)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("GET %s while MySQL hangs = %d, want 200", path, resp.StatusCode)
		}
	}
	load.Wait()

	resume()
	again := submission("Pizza")
	waitFor(t, recovery, "a submission after MySQL is back", func() bool {
		status, _, err := submit(app.Addr, again)
		return err == nil && status == http.StatusSeeOther
	})
	if rows := storedRows(t); rows[again.Token] != "Pizza" {
		t.Errorf("stored under the confirmed token: %q, want Pizza", rows[again.Token])
	}
}
