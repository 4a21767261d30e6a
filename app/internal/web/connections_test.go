package web

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A boundedServer serves a site without stores behind a small bound of connections.
type boundedServer struct {
	*testing.T
	connections *Connections
	addr        string
	log         *bytes.Buffer // to be read once the server has ended
	end         func()
}

// serveBounded answers GET / at once, POST /simpleform after it has read the form, and GET /large
// with more than any kernel keeps for a client that does not read.
func serveBounded(t *testing.T, max, maxSlow int, readTime time.Duration) *boundedServer {
	t.Helper()
	b := &boundedServer{T: t, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(b.log, nil))
	site, err := New(Config{Metrics: NewMetrics(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	mux.HandleFunc("GET /large", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 64<<20)) })
	mux.Handle("POST /simpleform", site.handle(func(w http.ResponseWriter, r *http.Request) error {
		if err := readForm(w, r); err != nil {
			return err
		}
		fmt.Fprint(w, "read")
		return nil
	}))
	b.connections = NewConnections(log, site.cfg.Metrics)
	b.connections.max, b.connections.maxSlow = max, maxSlow
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = listener.Addr().String()
	server := &http.Server{Handler: site.wrap(mux), ReadTimeout: readTime}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(b.connections.Bound(server, listener))
	}()
	b.end = func() {
		server.Close()
		<-ended
	}
	t.Cleanup(b.end)
	return b
}

// open opens a connection and sends the beginning of a request.
func (b *boundedServer) open(request string) *net.TCPConn {
	b.Helper()
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		b.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// visit opens a connection that is used once and then idle.
func (b *boundedServer) visit() *net.TCPConn {
	b.Helper()
	conn := b.open(get)
	b.read(conn)
	b.awaits(func() bool { return b.connections.count(working)+b.connections.count(sending) == 0 })
	return conn
}

// read reads the answer to a GET request.
func (b *boundedServer) read(conn net.Conn) {
	b.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello" {
		b.Fatalf("GET / = %q, %v, want hello", body, err)
	}
}

// wantClosed waits until the server has closed a connection.
func (b *boundedServer) wantClosed(conn net.Conn) {
	b.Helper()
	_, err := io.Copy(io.Discard, conn)
	if net, ok := err.(net.Error); ok && net.Timeout() {
		b.Error("the connection is open, want it closed")
	}
}

// wantOpen checks that an idle connection still takes a request.
func (b *boundedServer) wantOpen(conn net.Conn) {
	b.Helper()
	if _, err := io.WriteString(conn, get); err != nil {
		b.Fatal(err)
	}
	b.read(conn)
}

func (b *boundedServer) awaits(true func() bool) {
	b.Helper()
	for deadline := time.Now().Add(20 * time.Second); !true(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			for state := range closed {
				b.Logf("%d connections are %s", b.connections.count(state), state)
			}
			b.Fatal("not in 20 s")
		}
	}
}

func TestConnectionIdleLongestMakesRoom(t *testing.T) {
	b := serveBounded(t, 3, 3, time.Minute)
	first, second, third := b.visit(), b.visit(), b.visit()
	b.wantOpen(first) // now second has been idle longest
	b.awaits(func() bool { return b.connections.count(idle) == 3 })
	silent := b.open("") // sends nothing, and is idle as well
	b.wantClosed(second)
	b.wantOpen(first)
	b.wantOpen(third)
	b.awaits(func() bool { return b.connections.count(idle) == 3 })
	b.visit()
	b.wantClosed(silent)

	b.end()
	if n := strings.Count(b.log.String(), "connections run short"); n != 1 {
		t.Errorf("%d lines say that connections run short, want one:\n%s", n, b.log)
	}
}

const half = "POST /simpleform HTTP/1.1\r\nHost: x\r\n" +
	"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nfirst_name="

func TestSlowFormsHoldABoundedShare(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	var slow []net.Conn
	for range 4 {
		slow = append(slow, b.open(half))
		b.awaits(func() bool { return b.connections.count(receiving) == min(len(slow), 2) })
	}
	b.wantClosed(slow[0])
	b.wantClosed(slow[1])
	for _, conn := range slow[2:] {
		io.WriteString(conn, strings.Repeat("x", 100-len("first_name=")))
		if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != 200 {
			t.Errorf("the form that came slowly: %v, %v, want 200", resp, err)
		}
	}
}

func TestFormThatTakesTooLong(t *testing.T) {
	b := serveBounded(t, 100, 2, 50*time.Millisecond)
	resp, err := http.ReadResponse(bufio.NewReader(b.open(half)), nil)
	if err != nil || resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("a form whose end does not come: %v, %v, want 408", resp, err)
	}
}

func TestSlowReadersHoldABoundedShare(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	var slow []net.Conn
	for range 4 {
		slow = append(slow, b.open("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"))
		b.awaits(func() bool { return b.connections.count(sending) == min(len(slow), 2) })
	}
	b.wantClosed(slow[0])
	b.wantClosed(slow[1])
	b.read(b.open(get))
}
