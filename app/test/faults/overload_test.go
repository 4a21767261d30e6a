package faults

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// containerMemory is the memory limit of the app in the Compose and stack files, in kB.
const containerMemory = 128 << 10

// sendSlowly makes 1,500 clients send the beginning of a form. They wait until the test ends.
func sendSlowly(t *testing.T, app *testserver.App) {
	t.Helper()
	for range 1500 {
		conn, err := net.Dial("tcp", app.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_, err = io.WriteString(conn, "POST /simpleform HTTP/1.1\r\nHost: x\r\n"+
			"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n"+
			"first_name=")
		if err != nil {
			t.Fatal(err)
		}
	}
}

// 1,500 clients that send their forms slowly do not delay other visitors.
func TestSlowClientsDelayNobody(t *testing.T) {
	removeEverything(t)
	app := startApp(t, environ(database.Addr, cache.Addr))
	const slow = `simpleapp_connections{state="receiving"}`
	for round := 1; ; round++ {
		sendSlowly(t, app)
		sent := time.Now()
		wantNumbered(t, app, "a visit among slow clients")
		if err := store(app.Addr, newForm("Pizza")); err != nil {
			t.Errorf("among slow clients: %v", err)
		}
		if numberAfter(t, metrics(t, app), slow) > 0 {
			break
		}
		// The program closes the slow connections after 10 s, and the disk may take longer.
		if round == 5 || time.Since(sent) < 10*time.Second {
			t.Error("no slow client is left, so the visitors may have waited for them")
			break
		}
	}
	if memory := resident(t, app.PID, "VmRSS:"); memory > containerMemory {
		t.Errorf("%d kB resident, want at most %d", memory, containerMemory)
	}
}

// While the database hangs, more forms arrive than the program accepts at once. It refuses the
// surplus at once, answers the others within their timeout, and serves the home page. It stores
// forms again when the database is back.
func TestOverloadIsRefusedEarly(t *testing.T) {
	removeEverything(t)
	app := startApp(t, environ(database.Addr, cache.Addr))
	resume := testsite.Hang(t, database)
	const crowd = 1500
	var refused, late atomic.Int64
	var clients sync.WaitGroup
	defer clients.Wait()
	for range crowd {
		clients.Go(func() {
			start := time.Now()
			resp, err := browser.PostForm("http://"+app.Addr+"/simpleform", newForm("Pizza"))
			if err != nil {
				t.Errorf("POST /simpleform: %v", err)
				return
			}
			defer resp.Body.Close()
			io.Copy(io.Discard, resp.Body)
			retryAfter := resp.Header.Get("Retry-After")
			if resp.StatusCode != http.StatusServiceUnavailable || retryAfter == "" {
				t.Errorf("POST /simpleform = %d, Retry-After %q, want 503 and a time",
					resp.StatusCode, retryAfter)
			}
			if retryAfter == "1" {
				refused.Add(1)
			}
			// An answer takes at most 4 s, and a refusal takes no time. The rest is for 1,500
			// clients on the same machine.
			const limit = 15 * time.Second
			if time.Since(start) > limit {
				late.Add(1)
			}
		})
	}
	testsite.Within(t, 20*time.Second, "the surplus is refused", func() error {
		if refused.Load() == 0 {
			return errors.New("no form has been refused")
		}
		return nil
	})
	for range 20 {
		if status, _, err := visit(app.Addr); err != nil || status != http.StatusOK {
			t.Errorf("GET / while MySQL hangs = %d, %v, want 200", status, err)
		}
	}
	clients.Wait()
	t.Logf("%d of %d forms refused at once", refused.Load(), crowd)
	if refused.Load() == crowd {
		t.Errorf("all %d forms were refused at once, want only the surplus", crowd)
	}
	if n := late.Load(); n > 0 {
		t.Errorf("%d forms were answered late, want none", n)
	}
	if peak := resident(t, app.PID, "VmHWM:"); peak > containerMemory { // the crowd has left
		t.Errorf("%d kB resident at the peak, want at most %d", peak, containerMemory)
	}
	resume()
	testsite.Within(t, recovery, "a form is stored after MySQL is back", func() error {
		return store(app.Addr, newForm("Pizza"))
	})
}

// When more connections are opened than the program keeps, it closes the rest. A visitor is served
// during the crowd, and after it has left.
func TestConnectionsAreBounded(t *testing.T) {
	removeEverything(t)
	app := startApp(t, environ(database.Addr, cache.Addr))
	const limit = 3072 // of the program
	var conns []net.Conn
	for range 5000 {
		conn, err := net.Dial("tcp", app.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
		conns = append(conns, conn)
	}
	wantNumbered(t, app, "a visit in the crowd")
	var used resources
	testsite.Eventually(t, "the connections are bounded", func() error {
		used = resourcesOf(t, app)
		if used.files < limit || used.files > limit+100 {
			return fmt.Errorf("%d connections: %d files open, want %d to %d",
				len(conns), used.files, limit, limit+100)
		}
		return nil
	})
	if used.memory > containerMemory {
		t.Errorf("%d connections: %d kB resident, want at most %d",
			len(conns), used.memory, containerMemory)
	}
	for _, conn := range conns {
		conn.Close()
	}
	wantNumbered(t, app, "a visit after the crowd has left")
}

// wantNumbered waits until the home page shows a number. It shows none while the disk takes longer
// than 250 ms.
func wantNumbered(t *testing.T, app *testserver.App, what string) {
	t.Helper()
	testsite.Eventually(t, what, func() error {
		_, err := numbered(app.Addr)
		return err
	})
}
