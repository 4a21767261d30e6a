package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestAdminListener(t *testing.T) {
	p := startReady(t, embedded(t))
	get(t, p.url+"/")
	wantStatus(t, post(t, p, validForm()), 303)
	for _, path := range []string{"/healthz", "/readyz", "/debug/pprof/", "/debug/pprof/goroutine"} {
		wantStatus(t, get(t, p.admin+path), 200)
		wantStatus(t, get(t, p.url+path), 404)
	}
	metrics := get(t, p.admin+"/metrics")
	wantBody(t, metrics, "simpleapp_visits_served_total 1\n", "simpleapp_submissions_stored_total 1\n",
		`simpleapp_http_request_duration_seconds_count{code="303",method="POST",route="POST /simpleform"} 1`,
		`simpleapp_dependency_up{name="database"} 1`, `simpleapp_dependency_up{name="cache"} 1`,
		`simpleapp_batch_size_count{name="visits"} 1`, `simpleapp_batch_size_count{name="submissions"} 1`)
	wantStatus(t, get(t, p.url+"/metrics"), 404)
}

// SIGTERM: not ready, connections are given back, what is in flight ends, what was accepted is kept.
func TestItLeavesWithoutALostRequest(t *testing.T) {
	environ := embedded(t)
	p := startReady(t, with(environ, "SHUTDOWN_DELAY", "1s"))

	// A form of which half is sent when the program is told to stop.
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := validForm().Encode()
	fmt.Fprintf(conn, "POST /simpleform HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:10])

	p.stop()
	p.waitLog("stopping")
	eventually(t, "not ready", func() bool { return get(t, p.admin+"/readyz").StatusCode == 503 })
	a := get(t, p.url+"/") // still served, for balancers that don't know yet
	wantStatus(t, a, 200)
	if !a.Close {
		t.Error("GET / while leaving: the connection is kept")
	}
	eventually(t, "the listener is closed", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	io.WriteString(conn, body[10:])
	reply, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || reply.StatusCode != 303 {
		t.Errorf("the form in flight: %v, %v, want 303", reply, err)
	}
	if err := <-p.ended; err != nil {
		t.Errorf("run = %v, want nil", err)
	}

	again := startReady(t, environ)
	wantBody(t, get(t, again.url+"/submissions"), "Lovelace")
	if n := visitNumber(t, get(t, again.url+"/")); n != 2 {
		t.Errorf("visits after a restart = %d, want 2", n)
	}
}

func TestRequestsAreLoggedAtDebugLevelAlone(t *testing.T) {
	quiet := startReady(t, embedded(t))
	get(t, quiet.url+"/")
	if quiet.logs.find("request") != nil {
		t.Error("a request is logged at info level")
	}
	loud := startReady(t, with(embedded(t), "LOG_LEVEL", "debug"))
	get(t, loud.url+"/nowhere?secret=1")
	line := loud.waitLog("request")
	if line["path"] != "/nowhere" || line["status"] != 404.0 || regexp.MustCompile("secret").MatchString(fmt.Sprint(line)) {
		t.Errorf("request line = %v", line)
	}
}

// The data folder becomes read-only under the running program: told, nothing lost, served on.
func TestADataFolderThatCannotBeWritten(t *testing.T) {
	environ := embedded(t)
	p := startReady(t, environ)
	wantStatus(t, post(t, p, validForm()), 303)
	limit := syscall.Rlimit{}
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	small := limit
	small.Cur = 1 // as a full disk: no file may grow
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	form := validForm()
	refused, home := post(t, p, form), get(t, p.url+"/")
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, refused, 503)
	wantBody(t, refused, "were not stored")
	wantStatus(t, home, 200)
	wantStatus(t, post(t, p, form), 303)
	eventually(t, "visits are counted", func() bool { return strings.Contains(get(t, p.url+"/").body, "Visits: ") })
}
