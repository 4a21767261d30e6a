package main

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dial opens a connection to the program's site. It is closed when the test ends.
func (p *program) dial() *net.TCPConn {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn.(*net.TCPConn)
}

// statusLine sends bytes and returns the status line of the answer.
func (p *program) statusLine(bytes string) string {
	p.t.Helper()
	conn := p.dial()
	io.WriteString(conn, bytes) // may fail, because the program need not read everything
	conn.CloseWrite()
	reply, _ := io.ReadAll(conn)
	line, _, _ := strings.Cut(string(reply), "\r\n")
	return line
}

func TestMalformedRequests(t *testing.T) {
	p := startReady(t, embedded(t))
	for _, test := range []struct {
		name, bytes, want string
	}{
		{"a path out of the static folder",
			"GET /static/../config.go HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 307 Temporary Redirect"},
		{"an escaped path out of the static folder",
			"GET /static/..%2fconfig.go HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 404 Not Found"},
		{"half a body",
			"POST /simpleform HTTP/1.1\r\nHost: x\r\n" +
				"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n" +
				"first_name=A",
			"HTTP/1.1 499 status code 499"}, // a client that ends its side has left
		{"not HTTP",
			"\x16\x03\x01\x02\x00\r\n\r\n",
			"HTTP/1.1 400 Bad Request"},
		{"a header of 64 KB",
			"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 1<<16) + "\r\n\r\n",
			"HTTP/1.1 431 Request Header Fields Too Large"},
	} {
		if got := p.statusLine(test.bytes); got != test.want {
			t.Errorf("%s = %q, want %q", test.name, got, test.want)
		}
	}
	wantStatus(t, get(t, p.url+"/submissions?before="+strings.Repeat("9", 100_000)), 431)
	wantStatus(t, get(t, p.url+"/"), 200)
}

// A client that sends its headers byte by byte does not hold a connection for long.
func TestSlowHeaders(t *testing.T) {
	p := startReady(t, embedded(t))
	conn := p.dial()
	// newServer has 5 s for the header, and 10 s for the header and the body.
	conn.SetReadDeadline(time.Now().Add(9 * time.Second))
	go func() {
		for _, c := range []byte("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: 0123456789abcdef\r\n\r\n") {
			if _, err := conn.Write([]byte{c}); err != nil {
				return
			}
			time.Sleep(700 * time.Millisecond)
		}
	}()
	reply, err := io.ReadAll(conn)
	// A byte that arrives while the server closes the connection makes the close a reset.
	closed := err == nil || errors.Is(err, syscall.ECONNRESET)
	if !closed || strings.Contains(string(reply), "200 OK") {
		t.Errorf("reply = %.100q, %v, want the connection closed without a page", reply, err)
	}
	wantStatus(t, get(t, p.url+"/"), 200)
}
