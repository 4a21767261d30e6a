package faults

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// containerMemory is what the product's Compose and stack files give the app, in kB.
const containerMemory = 128 << 10

// Clients that send their forms slowly cost a connection each, and nobody else's turn.
func TestSlowClientsTakeNobodysPlace(t *testing.T) {
	empty(t)
	app := startApp(t, environ(database.Addr, cache.Addr))
	for range 1500 {
		conn, err := net.Dial("tcp", app.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /simpleform HTTP/1.1\r\nHost: x\r\n"+
			"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nfirst_name="); err != nil {
			t.Fatal(err)
		}
	}
	if status, number, err := visit(app.Addr); err != nil || status != http.StatusOK || number == 0 {
		t.Errorf("GET / among slow clients = %d, number %d, %v; want 200 and a number", status, number, err)
	}
	if status, _, err := submit(app.Addr, submission("Pizza")); err != nil || status != http.StatusSeeOther {
		t.Errorf("POST among slow clients = %d, %v, want 303", status, err)
	}
	if memory := holds(t, app).memory; memory > containerMemory {
		t.Errorf("%d kB resident, want at most %d", memory, containerMemory)
	}
}

// More forms than the program takes at once, and a database that hangs: the surplus is refused at
// once, the others are answered in their time, the rest of the site goes on, and so does the form
// when the database is back.
func TestOverloadIsRefusedEarly(t *testing.T) {
	empty(t)
	app := startApp(t, environ(database.Addr, cache.Addr))
	resume := hang(t, database)
	const crowd = 1500
	var refused, late, home atomic.Int64
	var load sync.WaitGroup
	for range crowd {
		load.Go(func() {
			start := time.Now()
			resp, err := plain.PostForm("http://"+app.Addr+"/simpleform", form(submission("Pizza")))
			if err != nil {
				t.Errorf("POST: %v", err)
				return
			}
			defer resp.Body.Close()
			io.Copy(io.Discard, resp.Body)
			if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
				t.Errorf("POST = %s, Retry-After %q, want 503 and a time", resp.Status, resp.Header.Get("Retry-After"))
			}
			switch took := time.Since(start); {
			case resp.Header.Get("Retry-After") == "1":
				refused.Add(1)
			case took > 8*time.Second: // five, and what 1,500 clients take on the same machine
				late.Add(1)
			}
		})
	}
	waitFor(t, 20*time.Second, "the surplus to be refused", func() bool { return refused.Load() > 0 })
	for range 20 {
		if status, _, err := visit(app.Addr); err == nil && status == http.StatusOK {
			home.Add(1)
		}
	}
	load.Wait()
	t.Logf("%d of %d forms refused at once", refused.Load(), crowd)
	if refused.Load() == crowd || late.Load() > 0 || home.Load() < 20 {
		t.Errorf("%d of %d refused, %d answered late, %d of 20 home pages served", refused.Load(), crowd, late.Load(), home.Load())
	}
	if memory := resident(t, app.PID); memory > containerMemory {
		t.Errorf("%d kB resident, want at most %d", memory, containerMemory)
	}
	resume()
	waitFor(t, recovery, "a submission after MySQL is back", func() bool {
		status, _, err := submit(app.Addr, submission("Pizza"))
		return err == nil && status == http.StatusSeeOther
	})
}

// More connections than the program keeps: those that have been idle longest are closed, and nobody
// waits.
func TestConnectionsAreBounded(t *testing.T) {
	empty(t)
	app := startApp(t, environ(database.Addr, cache.Addr))
	const places = 3072
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
	if status, number, err := visit(app.Addr); err != nil || status != http.StatusOK || number == 0 {
		t.Errorf("GET / in the crowd = %d, number %d, %v; want 200 and a number", status, number, err)
	}
	h := holds(t, app)
	if h.files < places || h.files > places+100 || h.memory > containerMemory {
		t.Errorf("%d connections: %d files open and %d kB resident, want about %d and at most %d",
			len(conns), h.files, h.memory, places, containerMemory)
	}
	for _, conn := range conns {
		conn.Close()
	}
	waitFor(t, 10*time.Second, "a visit after the crowd has left", func() bool {
		status, number, err := visit(app.Addr)
		return err == nil && status == http.StatusOK && number > 0
	})
}
