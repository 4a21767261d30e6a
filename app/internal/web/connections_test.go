package web

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

// A boundedServer is a server with a small bound of connections. Its site uses no stores.
type boundedServer struct {
	*testing.T
	connections *Connections
	addr        string
	log         *safeBuffer
	end         func() // closes the server
}

// serveBounded starts a boundedServer, which is closed when the test ends. It answers GET / at
// once, and POST /simpleform after it has read the form. GET /large has more bytes than a kernel
// keeps for a client that does not read.
func serveBounded(t *testing.T, max, maxSlow int, readTime time.Duration) *boundedServer {
	t.Helper()
	b := &boundedServer{T: t, log: &safeBuffer{}}
	log := slog.New(slog.NewTextHandler(b.log, nil))
	site, err := New(Config{Metrics: NewMetrics(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "hello")
	})
	mux.HandleFunc("GET /large", func(w http.ResponseWriter, _ *http.Request) {
		w.Write(make([]byte, 64<<20))
	})
	mux.Handle("POST /simpleform", site.handle(func(w http.ResponseWriter, r *http.Request) error {
		if err := readForm(w, r); err != nil {
			return err
		}
		fmt.Fprint(w, "read")
		return nil
	}))
	b.connections = NewConnections(log, site.cfg.Metrics)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = listener.Addr().String()
	server := &http.Server{Handler: site.wrap(mux), ReadTimeout: readTime}
	b.connections.Watch(server)
	b.connections.allow(max, maxSlow)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(b.connections.Limit(listener))
	}()
	b.end = func() {
		server.Close()
		<-ended
	}
	t.Cleanup(b.end)
	return b
}

// Connections with TLS take more memory, so fewer of them may be open.
func TestFewerConnectionsWithTLS(t *testing.T) {
	c := NewConnections(testsite.Quiet, NewMetrics())
	c.Watch(&http.Server{})
	plain := c.max
	c.Watch(&http.Server{TLSConfig: &tls.Config{}})
	if plain != maxConnections || c.max != maxEncrypted || c.maxSlow != maxEncrypted/slowShare {
		t.Errorf("%d connections are allowed, and with TLS %d, of which %d slow ones",
			plain, c.max, c.maxSlow)
	}
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

// visit opens a connection, gets a page over it, and leaves it idle.
func (b *boundedServer) visit() *net.TCPConn {
	b.Helper()
	conn := b.open(get)
	b.read(conn)
	testsite.Eventually(b, "the connection is idle", func() error {
		if n := b.connections.count(working) + b.connections.count(sending); n != 0 {
			return fmt.Errorf("%d connections are working or sending", n)
		}
		return nil
	})
	return conn
}

// read reads the answer to the request in the constant get.
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

// occupy takes the places of all requests that may be admitted. release gives them back.
func (b *boundedServer) occupy() (release func()) {
	places := cap(b.connections.admitted)
	for range places {
		b.connections.admitted <- struct{}{}
	}
	return func() {
		for range places {
			<-b.connections.admitted
		}
	}
}

// wantClosed waits until the server closes a connection.
func (b *boundedServer) wantClosed(conn net.Conn) {
	b.Helper()
	_, err := io.Copy(io.Discard, conn)
	if netErr, ok := err.(net.Error); ok && netErr.Timeout() {
		b.Error("the connection is open, want it closed")
	}
}

// wantOpen checks that an idle connection accepts a request.
func (b *boundedServer) wantOpen(conn net.Conn) {
	b.Helper()
	if _, err := io.WriteString(conn, get); err != nil {
		b.Fatal(err)
	}
	b.read(conn)
}

// wantCount waits until the number of connections in a state is want.
func (b *boundedServer) wantCount(state connState, want int) {
	b.Helper()
	what := fmt.Sprintf("%d connections are %s", want, state)
	testsite.Eventually(b, what, func() error {
		if b.connections.count(state) == want {
			return nil
		}
		var counts []string
		for other := range closed {
			counts = append(counts, fmt.Sprintf("%d are %s", b.connections.count(other), other))
		}
		return errors.New(strings.Join(counts, ", "))
	})
}

func TestLongestIdleConnectionIsClosed(t *testing.T) {
	b := serveBounded(t, 3, 3, time.Minute)
	first, second, third := b.visit(), b.visit(), b.visit()
	b.wantOpen(first) // now second has been idle longest
	b.wantCount(idle, 3)
	silent := b.open("") // a connection that sends nothing is idle, too
	b.wantClosed(second)
	b.wantOpen(first)
	b.wantOpen(third)
	b.wantCount(idle, 3)
	b.visit()
	b.wantClosed(silent)

	b.end()
	testsite.Eventually(t, "the shortage is logged", func() error {
		if !strings.Contains(b.log.String(), "too many connections") {
			return errors.New("no line says so")
		}
		return nil
	})
	if n := strings.Count(b.log.String(), "too many connections"); n != 1 {
		t.Errorf("%d log lines say that there are too many connections, want one:\n%s", n, b.log)
	}
}
