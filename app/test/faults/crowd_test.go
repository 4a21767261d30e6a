package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/testserver"
)

const (
	crowdTime = 30 * time.Second
	perSecond = 200 // new visitors
	// idleTime is less than the 90 s for which the program promises to keep an idle connection
	// while it has room, and more than the 60 s for which balancers keep theirs.
	idleTime = 75 * time.Second
)

// Every new visitor is served while a crowd of connections is idle, and while slowhttptest sends
// and reads as slowly as it can.
func TestNewVisitorsAreServedInACrowd(t *testing.T) {
	removeEverything(t)
	// docker-compose.yml sets GOMAXPROCS, too.
	limits := append(environ(database.Addr, cache.Addr), "GOMAXPROCS=1")
	var others sync.WaitGroup
	defer others.Wait()
	idleApp := startApp(t, limits)
	others.Go(func() { idleConnectionIsKept(t, idleApp) })

	t.Run("idle", func(t *testing.T) {
		app := startApp(t, limits)
		earlier := make([]*visitor, 5000)
		for i := range earlier {
			earlier[i] = newVisitor(i)
			defer earlier[i].close()
			if err := earlier[i].visit(app.Addr); err != nil {
				t.Fatal(err)
			}
		}
		crowd(t, app)
	})
	t.Run("slow", func(t *testing.T) {
		app := startApp(t, limits)
		ctx, cancel := context.WithCancel(t.Context())
		var attacks sync.WaitGroup
		end := func() {
			cancel()
			attacks.Wait()
		}
		defer end()
		for _, kind := range [][]string{
			{"-H", "-u", "http://" + app.Addr + "/"},
			{"-B", "-u", "http://" + app.Addr + "/simpleform", "-t", "POST"},
			// The form is the largest page. Requested ten times on one connection (-k 10), it does
			// not fit into the kernel's buffers, so the program has to wait for the reader.
			{"-X", "-u", "http://" + app.Addr + "/simpleform", "-k", "10", "-w", "10", "-y", "20"},
		} {
			attacks.Go(func() { attack(t, ctx, kind) })
		}
		crowd(t, app)
		end()
		for _, state := range []string{"idle", "receiving", "sending"} {
			if n := closed(t, app, state); n == 0 {
				t.Errorf("no connection was closed while %s, want some", state)
			}
		}
	})
}

// idleConnectionIsKept checks that a connection is kept for idleTime while there is room.
func idleConnectionIsKept(t *testing.T, app *testserver.App) {
	v := newVisitor(0)
	defer v.close()
	if err := v.visit(app.Addr); err != nil {
		t.Error(err)
		return
	}
	time.Sleep(idleTime) // there is no event to wait for: the promise is the time itself
	if err := v.again(); err != nil {
		t.Errorf("a connection that was idle for %v: %v", idleTime, err)
	}
}

// closed returns how many connections in a state the app has closed to make room.
func closed(t *testing.T, app *testserver.App, state string) int {
	t.Helper()
	name := fmt.Sprintf("simpleapp_connections_closed_total{state=%q}", state)
	return numberAfter(t, metrics(t, app), name)
}

// attack makes slowhttptest open 4,000 slow connections of a kind, for crowdTime or until ctx ends.
func attack(t *testing.T, ctx context.Context, kind []string) {
	args := append(kind, "-c", "4000", "-r", "200", "-i", "2", "-p", "30",
		"-l", fmt.Sprint(crowdTime.Seconds()))
	out, err := exec.CommandContext(ctx, "slowhttptest", args...).CombinedOutput()
	if err != nil && ctx.Err() == nil {
		t.Errorf("slowhttptest %s: %v (`make test-faults` installs it)\n%s", args, err, out)
	}
}

// crowd sends new visitors at a steady rate, even if earlier ones are not answered yet. Each keeps
// its connection open. All must be served.
func crowd(t *testing.T, app *testserver.App) {
	t.Helper()
	var mu sync.Mutex
	var took []time.Duration
	failures := make(map[string]int)
	var group sync.WaitGroup
	begun := time.Now()
	const visitors = int(crowdTime/time.Second) * perSecond
	for i := range visitors {
		due := begun.Add(time.Duration(i) * time.Second / perSecond)
		pause(t.Context(), time.Until(due))
		group.Go(func() {
			v := newVisitor(i)
			err := v.visit(app.Addr)
			t.Cleanup(v.close)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(due))
			if err != nil {
				failures[withoutAddress(err)]++
			}
		})
	}
	group.Wait()
	slices.Sort(took)
	memory := resident(t, app.PID, "VmRSS:")
	t.Logf("%d visitors in %v: %d kB resident; median %v, 99th percentile %v, slowest %v", visitors,
		time.Since(begun).Round(time.Second), memory, took[len(took)/2].Round(time.Millisecond),
		took[len(took)*99/100].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
	for failure, n := range failures {
		t.Errorf("%d visitors: %s", n, failure)
	}
	if memory > containerMemory {
		t.Errorf("%d kB resident, want at most %d", memory, containerMemory)
	}
	if n := strings.Count(app.Log(), "too many connections"); n != 1 {
		t.Errorf("%d log lines say that there are too many connections, want one", n)
	}
}

// withoutAddress returns the text of an error without its addresses, so that equal failures can be
// counted.
func withoutAddress(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}

// A visitor is a client with a connection of its own.
type visitor struct {
	dialer net.Dialer
	conn   net.Conn
}

// newVisitor returns the i-th visitor. The visitors have several addresses, because one address has
// too few ports for all of them.
func newVisitor(i int) *visitor {
	address := net.IPv4(127, 0, 0, byte(2+i%8))
	return &visitor{dialer: net.Dialer{LocalAddr: &net.TCPAddr{IP: address}}}
}

// visit opens the connection and gets the home page.
func (v *visitor) visit(addr string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if v.conn, err = v.dialer.DialContext(ctx, "tcp", addr); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return v.again()
}

// again gets the home page on the open connection.
func (v *visitor) again() error {
	v.conn.SetDeadline(time.Now().Add(10 * time.Second))
	const request = "GET / HTTP/1.1\r\nHost: simpleapp.test\r\n\r\n"
	if _, err := io.WriteString(v.conn, request); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(v.conn), nil)
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return fmt.Errorf("receive the page: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET / = %d, want 200", resp.StatusCode)
	}
	return nil
}

func (v *visitor) close() {
	if v.conn != nil {
		v.conn.Close()
	}
}
