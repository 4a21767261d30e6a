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

	"simpleapp/internal/food"
	"simpleapp/internal/testserver"
)

// After 100,000 requests and after 1,000,000 the program holds as much as before: goroutines, file
// descriptors, prepared statements and memory stay flat.
func TestAMillionRequestsLeaveNothingBehind(t *testing.T) {
	empty(t)
	app := startApp(t, environ(database.Addr, cache.Addr))
	load(t, app, 100_000)
	before := settled(t, app, held{})
	load(t, app, 900_000)
	after := settled(t, app, before)
	t.Logf("after 100,000 requests: %+v", before)
	t.Logf("after 1,000,000 requests: %+v", after)
	// What may still come are the last of 16 connections to MySQL and 4 to Redis: one file and one
	// goroutine each. Whatever 900,000 requests leave behind is more.
	if after.goroutines > before.goroutines+20 || after.files > before.files+20 {
		t.Error("goroutines or file descriptors have grown")
	}
	if after.statements > 0 {
		t.Errorf("%d prepared statements, want none", after.statements)
	}
	if limit := max(before.memory*5/4, 48_000); after.memory > limit {
		t.Errorf("%d kB resident, want at most %d", after.memory, limit)
	}
}

// held is what a process holds.
type held struct{ goroutines, files, statements, memory int } // memory in kB

// settled returns what the app holds once the connections of a load have ended: as little as
// before, or what it still holds after ten seconds.
func settled(t *testing.T, app *testserver.App, before held) (now held) {
	t.Helper()
	plain.CloseIdleConnections()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		now = holds(t, app)
		calm := before.goroutines > 0 && now.goroutines <= before.goroutines && now.files <= before.files
		if calm || time.Now().After(deadline) {
			return now
		}
	}
}

func holds(t *testing.T, app *testserver.App) (h held) {
	t.Helper()
	// One request, and not its idle connection, which would count.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + app.AdminAddr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	metrics, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	h.goroutines = number(t, string(metrics), "go_goroutines ")
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", app.PID))
	if err != nil {
		t.Fatal(err)
	}
	h.files = len(files)
	h.memory = resident(t, app.PID)
	root := database.Root()
	defer root.Close()
	var name string
	if err := root.QueryRow("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'").Scan(&name, &h.statements); err != nil {
		t.Fatal(err)
	}
	return h
}

// resident returns the resident memory of a process in kB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	return number(t, string(status), "VmRSS:")
}

// number returns the number on the line that starts with name.
func number(t *testing.T, text, name string) int {
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

// load sends so many requests over 32 connections, a form in every 20, and checks each status.
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

// send is a client that costs less than the server: the rest of this machine is for the app.
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
			form := "first_name=Ada&last_name=Lovelace&favourite_food=Pizza&country=GB&pledge=yes&token=" + food.NewToken()
			want, request = 303, fmt.Sprintf("POST /simpleform HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\n"+
				"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(form), form)
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
		if resp.StatusCode != want {
			return fmt.Errorf("%.30q = %d, want %d", request, resp.StatusCode, want)
		}
	}
	return nil
}
