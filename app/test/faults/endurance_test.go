package faults

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// The program uses as many resources after all requests as after the first sixth of them:
// goroutines, file descriptors, prepared statements and memory do not grow.
func TestRequestsLeakNothing(t *testing.T) {
	removeEverything(t)
	app := startApp(t, environ(database.Addr, cache.Addr))
	first := totalRequests / 6
	load(t, app, first)
	before := settled(t, app, resources{})
	load(t, app, totalRequests-first)
	after := settled(t, app, before)
	t.Logf("after %d requests: %+v", first, before)
	t.Logf("after %d requests: %+v", totalRequests, after)
	// The pools may still open some of their 16 connections to MySQL and 4 to Redis, with one file
	// and one goroutine each. A leak in 250,000 requests would be larger.
	if after.goroutines > before.goroutines+20 || after.files > before.files+20 {
		t.Errorf("%d goroutines and %d files, want about %d and %d",
			after.goroutines, after.files, before.goroutines, before.files)
	}
	if after.statements > 0 {
		t.Errorf("%d prepared statements, want none", after.statements)
	}
	if limit := max(before.memory*5/4, 48_000); after.memory > limit {
		t.Errorf("%d kB resident, want at most %d", after.memory, limit)
	}
}

// resources are what a process and its sessions on MySQL use.
type resources struct{ goroutines, files, statements, memory int } // memory in kB

// settled returns the resources of the app once the connections of a load have ended. It waits
// until the resources are as few as in before, at most ten seconds. If before is empty, it waits
// for ten seconds.
func settled(t *testing.T, app *testserver.App, before resources) (now resources) {
	t.Helper()
	browser.CloseIdleConnections()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		now = resourcesOf(t, app)
		asBefore := before.goroutines > 0 &&
			now.goroutines <= before.goroutines && now.files <= before.files
		if asBefore || time.Now().After(deadline) {
			return now
		}
	}
}

// resourcesOf returns the resources that the app uses now.
func resourcesOf(t *testing.T, app *testserver.App) (r resources) {
	t.Helper()
	r.goroutines = numberAfter(t, metrics(t, app), "go_goroutines ")
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", app.PID))
	if err != nil {
		t.Fatal(err)
	}
	r.files = len(files)
	r.memory = resident(t, app.PID, "VmRSS:")
	root := database.Root()
	defer root.Close()
	var name string
	row := root.QueryRow("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")
	if err := row.Scan(&name, &r.statements); err != nil {
		t.Fatal(err)
	}
	return r
}

// resident returns the resident memory of a process in kB: now (VmRSS:), or at its peak (VmHWM:).
func resident(t *testing.T, pid int, line string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	return numberAfter(t, string(status), line)
}

// numberAfter returns the number on the line that starts with name.
func numberAfter(t *testing.T, text, name string) int {
	t.Helper()
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, name); found {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no line %q", name)
	return 0
}

// load sends requests over 32 connections and checks each status. Every 20th request is a form.
func load(t *testing.T, app *testserver.App, requests int64) {
	t.Helper()
	var sent atomic.Int64
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			if err := send(app.Addr, func() int64 { return sent.Add(1) }, requests); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// send sends requests on one connection until next returns a number above requests. It does less
// work than http.Client, so that the app has most of the machine.
func send(addr string, next func() int64, requests int64) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	answers := bufio.NewReaderSize(conn, 32<<10)
	for n := next(); n <= requests; n = next() {
		want, request := 200, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
		switch n % 100 {
		case 20, 40, 60, 80, 0:
			form := testsite.Form().Encode()
			want, request = 303, fmt.Sprintf(
				"POST /simpleform HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\n"+
					"Content-Type: application/x-www-form-urlencoded\r\n"+
					"Content-Length: %d\r\n\r\n%s", len(form), form)
		case 10, 50:
			request = "GET /submissions HTTP/1.1\r\nHost: x\r\n\r\n"
		case 30:
			request = "GET /simpleform HTTP/1.1\r\nHost: x\r\n\r\n"
		case 70:
			want, request = 404, "GET /missing HTTP/1.1\r\nHost: x\r\n\r\n"
		}
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(conn, request); err != nil {
			return err
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		slow := want == 303 && resp.StatusCode == 503 // the disk took longer than 3 s
		if resp.StatusCode != want && !slow {
			line, _, _ := strings.Cut(request, " HTTP")
			return fmt.Errorf("%s = %d, want %d", line, resp.StatusCode, want)
		}
	}
	return nil
}
