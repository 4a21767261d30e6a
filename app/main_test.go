package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// A program is run, started by a test.
type program struct {
	t     *testing.T
	url   string // of the site
	admin string // of the admin listener
	logs  *logs
	stop  context.CancelFunc // as SIGTERM does
	ended chan error         // what run returned
}

func embedded(t *testing.T) map[string]string { return map[string]string{"DATA_DIR": t.TempDir()} }

// A storage is a place for visits and submissions.
type storage struct {
	name    string
	environ func(t *testing.T) map[string]string
}

// storages are the environments of the kinds of storage. With the tag servers, MySQL and Redis are one
// of them.
var storages = []storage{
	{"embedded", embedded},
}

func with(environ map[string]string, more ...string) map[string]string {
	environ = maps.Clone(environ)
	for i := 0; i < len(more); i += 2 {
		environ[more[i]] = more[i+1]
	}
	return environ
}

// start starts the program on free ports, waits until it serves, and ends it with the test.
func start(t *testing.T, environ map[string]string) *program {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p := &program{t: t, logs: &logs{}, stop: stop, ended: make(chan error, 1)}
	go func() {
		p.ended <- run(ctx, nil, with(environ, "ADDR", "127.0.0.1:0", "ADMIN_ADDR", "127.0.0.1:0"), io.Discard, p.logs)
		close(p.ended)
	}()
	t.Cleanup(func() {
		stop()
		<-p.ended
	})
	serving := p.waitLog("serving")
	p.url, p.admin = "http://"+serving["addr"].(string), "http://"+serving["admin_addr"].(string)
	return p
}

// startReady is start for a test that needs both stores.
func startReady(t *testing.T, environ map[string]string) *program {
	t.Helper()
	p := start(t, environ)
	p.waitLog("database connected")
	p.waitLog("cache connected")
	return p
}

// waitLog waits for a log line and returns it.
func (p *program) waitLog(msg string) map[string]any {
	p.t.Helper()
	var line map[string]any
	eventually(p.t, fmt.Sprintf("log %q", msg), func() bool {
		select {
		case err := <-p.ended:
			p.t.Fatalf("run ended with %v before log %q", err, msg)
		default:
		}
		line = p.logs.find(msg)
		return line != nil
	})
	return line
}

// eventually waits for what must come true.
func eventually(t *testing.T, what string, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !true(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in 30 s: %s", what)
		}
	}
}

// logs keeps what the program logs.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// find returns the first line with this message, or nil.
func (l *logs) find(msg string) map[string]any {
	for _, text := range strings.Split(l.String(), "\n") {
		var line map[string]any
		if json.Unmarshal([]byte(text), &line) == nil && line["msg"] == msg {
			return line
		}
	}
	return nil
}

// An answer is a response with its whole body.
type answer struct {
	*http.Response
	body string
}

// client follows no redirect: each answer is looked at.
var client = &http.Client{
	Timeout:       20 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func send(t *testing.T, r *http.Request) answer {
	t.Helper()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(body)}
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func get(t *testing.T, url string) answer {
	t.Helper()
	return send(t, request(t, "GET", url, nil))
}

func wantStatus(t *testing.T, a answer, want int) {
	t.Helper()
	if a.StatusCode != want {
		t.Errorf("%s %s = %d, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, want)
	}
}

func wantBody(t *testing.T, a answer, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(a.body, want) {
			t.Errorf("%s %s: no %q in\n%s", a.Request.Method, a.Request.URL.Path, want, a.body)
		}
	}
}
