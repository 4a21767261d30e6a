package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"

	"simpleapp/internal/testsite"
)

// Short names for functions of testsite.
var (
	get        = testsite.Get
	send       = testsite.Send
	request    = testsite.Request
	eventually = testsite.Eventually
	wantStatus = testsite.WantStatus
	wantStored = testsite.WantStored
	wantBody   = testsite.WantBody
	validForm  = testsite.Form
)

// A program is a running call of run that serves the site.
type program struct {
	t     *testing.T
	url   string // of the site
	admin string // of the admin listener
	logs  *logs
	stop  context.CancelFunc // does what SIGTERM does
	ended chan error         // receives what run returns
}

// embedded returns an environment in which the program uses SQLite files.
func embedded(t *testing.T) map[string]string { return map[string]string{"DATA_DIR": t.TempDir()} }

// A setup is an environment that configures the stores of the program. environ empties the
// database of submissions. The visits in Redis stay.
type setup struct {
	name    string
	environ func(t *testing.T) map[string]string
}

// setups are the setups to test. The build tag servers adds MySQL and Redis.
var setups = []setup{
	{"SQLite", func(t *testing.T) map[string]string {
		environ := embedded(t)
		mustCall(t, environ, "", "migrate")
		return environ
	}},
}

// with returns a copy of an environment with more variables: the name and the value of each.
func with(environ map[string]string, more ...string) map[string]string {
	environ = maps.Clone(environ)
	for i := 0; i < len(more); i += 2 {
		environ[more[i]] = more[i+1]
	}
	return environ
}

// start starts the program on free ports and waits until it serves. The program is stopped when the
// test ends.
func start(t *testing.T, environ map[string]string) *program {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p := &program{t: t, logs: &logs{}, stop: stop, ended: make(chan error, 1)}
	environ = with(environ, "ADDR", "127.0.0.1:0", "ADMIN_ADDR", "127.0.0.1:0")
	go func() {
		p.ended <- run(ctx, invocation{environ: environ, stdout: io.Discard, stderr: p.logs})
		close(p.ended)
	}()
	t.Cleanup(func() {
		stop()
		<-p.ended
	})
	serving := p.waitLog("serving")
	p.url = "http://" + serving["addr"].(string)
	p.admin = "http://" + serving["admin_addr"].(string)
	return p
}

// startReady starts the program and waits until both stores answer.
func startReady(t *testing.T, environ map[string]string) *program {
	t.Helper()
	p := start(t, environ)
	p.waitLog("database connected")
	p.waitLog("cache connected")
	return p
}

// waitLog waits for a log line with the message msg and returns it.
func (p *program) waitLog(msg string) map[string]any {
	p.t.Helper()
	var line map[string]any
	eventually(p.t, fmt.Sprintf("log line %q", msg), func() error {
		select {
		case err := <-p.ended:
			p.t.Fatalf("run ended with %v before it logged %q", err, msg)
		default:
		}
		line = p.logs.find(msg)
		if line == nil {
			return errors.New("it is not logged")
		}
		return nil
	})
	return line
}

// readiness returns a function that returns an error unless the status of /readyz is want.
func (p *program) readiness(want int) func() error {
	return func() error {
		if got := get(p.t, p.admin+"/readyz").StatusCode; got != want {
			return fmt.Errorf("GET /readyz = %d, want %d", got, want)
		}
		return nil
	}
}

// measures returns a function that returns an error unless a line of the metrics ends with line.
func (p *program) measures(line string) func() error {
	return func() error {
		if !strings.Contains(get(p.t, p.admin+"/metrics").Body, line+"\n") {
			return fmt.Errorf("GET /metrics has no line %s", line)
		}
		return nil
	}
}

// countsVisits returns an error if the home page shows no number of visits.
func (p *program) countsVisits() error {
	number, err := testsite.VisitNumber(get(p.t, p.url+"/").Body)
	if err == nil && number == 0 {
		err = errors.New("GET / shows no number of visits")
	}
	return err
}

// visit gets the home page and returns the number of visits after that. The home page shows no
// number if the disk takes longer than 250 ms, so visit then waits until the visit is counted.
func (p *program) visit() (number int64) {
	p.t.Helper()
	number, err := testsite.VisitNumber(get(p.t, p.url+"/").Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if number == 0 {
		number = p.visits()
	}
	return number
}

// visits waits until GET /ping has the number of visits, and returns it.
func (p *program) visits() int64 {
	p.t.Helper()
	var ping struct{ Visits int64 }
	eventually(p.t, "GET /ping has the number of visits", func() error {
		body := get(p.t, p.url+"/ping").Body
		if err := json.Unmarshal([]byte(body), &ping); err != nil || ping.Visits == 0 {
			return fmt.Errorf("it is %s (%v)", body, err)
		}
		return nil
	})
	return ping.Visits
}

// post submits a form to the program.
func post(t *testing.T, p *program, form url.Values) testsite.Answer {
	t.Helper()
	return testsite.Post(t, p.url, form)
}

// logs keeps the log of a program.
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

func TestCommands(t *testing.T) {
	out, err := call(t, nil, "", "version")
	want := "dev (revision unknown, " + runtime.Version() + ")\n"
	if err != nil || out != want {
		t.Errorf("version = %q, %v, want %q", out, err, want)
	}
	for _, test := range []struct {
		args string
		want string
	}{
		{"serve", `"serve" is not a command: usage:`},
		{"version please", `"please" is one argument too many: usage: simpleapp version`},
		{"migrate now", `"now" is one argument too many: usage: simpleapp migrate`},
		{"export --all", "-all: usage: simpleapp export"},
		{"seed --n abc", `"abc" for flag -n: parse error: usage: simpleapp seed`},
		{"forget", "an argument is missing: usage: simpleapp forget [--id ID] REFERENCE"},
	} {
		_, err := call(t, nil, "", strings.Fields(test.args)...)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("simpleapp %s = %v, want %q", test.args, err, test.want)
		}
	}
	p := startReady(t, embedded(t))
	admin := map[string]string{"ADMIN_ADDR": strings.TrimPrefix(p.admin, "http://")}
	healthcheck := func() error {
		_, err := call(t, admin, "", "healthcheck")
		return err
	}
	if err := healthcheck(); err != nil {
		t.Errorf("healthcheck = %v, want nil", err)
	}
	p.stop()
	<-p.ended
	if err := healthcheck(); err == nil || !strings.HasSuffix(err.Error(),
		"refused: no program answers at ADMIN_ADDR: start it, or correct the address") {
		t.Errorf("healthcheck of a program that has ended = %v, want a remedy", err)
	}
}
