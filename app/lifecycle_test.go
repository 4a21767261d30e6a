package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

func TestAdminListener(t *testing.T) {
	p := startReady(t, embedded(t))
	get(t, p.url+"/")
	wantStored(t, p.url, validForm())
	for _, path := range []string{"/healthz", "/readyz", "/debug/pprof/",
		"/debug/pprof/goroutine"} {
		wantStatus(t, get(t, p.admin+path), 200)
		wantStatus(t, get(t, p.url+path), 404)
	}
	metrics := get(t, p.admin+"/metrics")
	wantBody(t, metrics,
		"simpleapp_visits_served_total 1\n", "go_goroutines ", "process_open_fds ",
		`simpleapp_http_request_duration_seconds_count{code="303",method="POST",`+
			`route="POST /simpleform"} 1`,
		`simpleapp_dependency_up{name="database"} 1`, `simpleapp_dependency_up{name="cache"} 1`,
		`simpleapp_batch_size_count{name="visits"} 1`,
		`simpleapp_build_info{goversion="`+runtime.Version()+
			`",revision="unknown",version="dev"} 1`)
	if strings.Contains(metrics.Body, `code="503",method="POST"`) {
		t.Log("the disk is too slow: the form was sent several times")
	} else {
		wantBody(t, metrics, "simpleapp_submissions_stored_total 1\n",
			`simpleapp_batch_size_count{name="submissions"} 1`)
	}
	wantStatus(t, get(t, p.url+"/metrics"), 404)
}

// The log says where submissions and visits are kept.
func TestLogNamesTheStores(t *testing.T) {
	environ := embedded(t)
	p := startReady(t, environ)
	for msg, file := range map[string]string{
		"database connected": "submissions.db", "cache connected": "visits.db",
	} {
		want := filepath.Join(environ["DATA_DIR"], file)
		if got := p.waitLog(msg)["at"]; got != want {
			t.Errorf("%s at %v, want %s", msg, got, want)
		}
	}
}

// After SIGTERM the program is not ready, tells clients to close their connections, and finishes
// the requests in flight. Everything that it has accepted is stored.
func TestShutdownLosesNoRequest(t *testing.T) {
	for try := 1; !shutDownInTime(t); try++ {
		if try == 5 {
			t.Fatal("the machine is too slow")
		}
		t.Log("the machine was too slow: the test begins again")
	}
}

// shutDownInTime does one try of TestShutdownLosesNoRequest. It returns false if a request came so
// late that the program need not have answered it.
func shutDownInTime(t *testing.T) bool {
	const delay = 3 * time.Second
	environ := embedded(t)
	p := startReady(t, with(environ, "SHUTDOWN_DELAY", delay.String()))

	// The program is stopped after it has received a part of a form.
	began := time.Now()
	conn := p.dial()
	body := validForm().Encode()
	fmt.Fprintf(conn, "POST /simpleform HTTP/1.1\r\nHost: x\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		len(body), body[:10])
	eventually(t, "the program receives the form",
		p.measures(`simpleapp_connections{state="receiving"} 1`))
	// Another connection is accepted, and sends its request only after the listener has closed.
	dialled := time.Now()
	late := p.dial()
	eventually(t, "the program has accepted the connection",
		p.measures(`simpleapp_connections{state="idle"} 1`))

	open := time.Now() // when the listener was still open
	closes := open.Add(delay)
	p.stop()
	p.waitLog("stopping")
	// Load balancers may send requests until SHUTDOWN_DELAY is over. This one comes in that time.
	var visits int64
	tooLate := false
	eventually(t, "GET / during the shutdown closes the connection", func() error {
		a, err := testsite.Client.Get(p.url + "/")
		if tooLate = err != nil && time.Now().After(closes); tooLate {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		visits++
		if a.StatusCode != 200 || !a.Close {
			return fmt.Errorf("GET / = %d, closed = %t, want 200 and true", a.StatusCode, a.Close)
		}
		return nil
	})
	if tooLate {
		return false
	}
	eventually(t, "the program is not ready", p.readiness(503))
	eventually(t, "the listener is closed", func() error {
		now := time.Now()
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			return nil
		}
		open = now
		c.Close()
		return errors.New("it accepts connections")
	})
	io.WriteString(late, "GET /simpleform HTTP/1.1\r\nHost: x\r\n\r\n")
	// These are arriveTime and ReadHeaderTimeout.
	if time.Since(open) > time.Second || time.Since(dialled) > 5*time.Second {
		return false
	}
	if reply, err := http.ReadResponse(bufio.NewReader(late), nil); err != nil {
		t.Errorf("GET /simpleform on a connection from before = %v, want an answer", err)
	} else if reply.StatusCode != 200 || !reply.Close {
		t.Errorf("GET /simpleform on a connection from before = %v, want 200, and closed", reply)
	}
	io.WriteString(conn, body[10:])
	if time.Since(began) > 10*time.Second { // ReadTimeout
		return false
	}
	reply, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || reply.StatusCode != 303 {
		t.Errorf("POST /simpleform in flight = %v, %v, want 303", reply, err)
	}
	if err := <-p.ended; err != nil {
		t.Errorf("run = %v, want nil", err)
	}

	again := startReady(t, environ)
	wantBody(t, get(t, again.url+"/submissions"), "Lovelace")
	if n := again.visit(); n != visits+1 {
		t.Errorf("the visit after a restart = %d, want %d", n, visits+1)
	}
	return true
}

func TestRequestsAreLoggedOnlyAtDebugLevel(t *testing.T) {
	quiet := startReady(t, embedded(t))
	get(t, quiet.url+"/")
	quiet.stop()
	<-quiet.ended // a request is logged after its answer was sent
	if quiet.logs.find("request") != nil {
		t.Error("a request is logged at info level, want it at debug level only")
	}
	loud := startReady(t, with(embedded(t), "LOG_LEVEL", "debug"))
	get(t, loud.url+"/nowhere?secret=1")
	line := loud.waitLog("request")
	if line["path"] != "/nowhere" || line["status"] != 404.0 {
		t.Errorf("the log line = %v, want path /nowhere and status 404", line)
	}
	if took, err := time.ParseDuration(fmt.Sprint(line["took"])); err != nil || took <= 0 {
		t.Errorf("the log line = %v, want how long the request took with the unit", line)
	}
	if strings.Contains(fmt.Sprint(line), "secret") {
		t.Errorf("the log line = %v, want it without the query", line)
	}
}

// If the file of the visits is lost, the count goes on from what the database remembers, also for
// the first visitor.
func TestFirstVisitAfterTheCountIsLost(t *testing.T) {
	environ := embedded(t)
	p := startReady(t, environ)
	var last int64
	for range 5 {
		last = p.visit()
	}
	p.stop()
	<-p.ended
	files, err := filepath.Glob(filepath.Join(environ["DATA_DIR"], visitsFile+"*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the files of the visits are %q, %v", files, err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	p = start(t, environ)
	if first := p.visit(); first <= last {
		t.Errorf("the first visit has number %d, want more than %d", first, last)
	}
}

// While the disk is full, the program answers that it did not store the form, and serves the other
// pages. When the disk has room again, it stores forms again.
func TestFullDisk(t *testing.T) {
	p := startReady(t, embedded(t))
	wantStored(t, p.url, validForm())
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	restore := sync.OnceFunc(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Error(err)
		}
	})
	defer restore()
	full := limit
	full.Cur = 1 // no file of this process can grow
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	form := validForm()
	refused, home := post(t, p, form), get(t, p.url+"/")
	eventually(t, "the program is not ready", func() error {
		if ready := get(t, p.admin+"/readyz"); ready.StatusCode != 503 {
			return fmt.Errorf("/readyz = %d", ready.StatusCode)
		}
		return nil
	})
	restore()
	wantStatus(t, refused, 503)
	wantBody(t, refused, "were not stored")
	wantStatus(t, home, 200)
	wantStored(t, p.url, form)
	eventually(t, "visits are counted", p.countsVisits)
}
