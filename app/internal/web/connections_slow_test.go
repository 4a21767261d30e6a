package web

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

// half is the beginning of a form.
const half = "POST /simpleform HTTP/1.1\r\nHost: x\r\n" +
	"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nfirst_name="

func TestSlowFormsHoldFewConnections(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	var slow []net.Conn
	for range 4 {
		slow = append(slow, b.open(half))
		b.wantCount(receiving, min(len(slow), 2))
	}
	b.wantClosed(slow[0])
	b.wantClosed(slow[1])
	for _, conn := range slow[2:] {
		io.WriteString(conn, strings.Repeat("x", 100-len("first_name=")))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("POST /simpleform, sent slowly = %v, %v, want 200", resp, err)
		}
	}
}

// The fields of a header take much more memory than their bytes, and a client may send the
// beginning of a request together with the one before.
func TestHalfHeadersHoldFewConnections(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	var slow []net.Conn
	for i := range 6 {
		before := ""
		if i%2 == 1 {
			before = get
		}
		conn := b.open(before + "GET / HTTP/1.1\r\nHost: x\r\na:\r\n")
		if before != "" {
			b.read(conn)
		}
		slow = append(slow, conn)
		b.wantCount(receiving, min(len(slow), 2))
	}
	for _, conn := range slow[:4] {
		b.wantClosed(conn)
	}
	for _, conn := range slow[4:] {
		io.WriteString(conn, "\r\n")
		b.read(conn)
	}
	b.wantCount(idle, 2)
}

// serveEncrypted serves https with the bounds of production.
func serveEncrypted(t *testing.T) *boundedServer {
	t.Helper()
	issuer := httptest.NewTLSServer(http.NotFoundHandler())
	defer issuer.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &boundedServer{T: t, addr: listener.Addr().String(),
		connections: NewConnections(testsite.Quiet, NewMetrics())}
	server := &http.Server{ReadTimeout: time.Minute, Protocols: new(http.Protocols),
		TLSConfig: &tls.Config{Certificates: issuer.TLS.Certificates}}
	server.Protocols.SetHTTP1(true)
	b.connections.Watch(server)
	t.Cleanup(func() { server.Close() })
	go server.ServeTLS(b.connections.Limit(listener), "", "")
	return b
}

// A connection is idle until its handshake has ended and a request begins, so that a crowd of new
// visitors does not close each other's connections. Only a handshake that is far larger than those
// of browsers takes memory.
func TestHandshakeIsIdle(t *testing.T) {
	b := serveEncrypted(t)
	var visitors []*tls.Conn
	for range 3 {
		conn := tls.Client(b.open(""), &tls.Config{InsecureSkipVerify: true})
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		visitors = append(visitors, conn)
	}
	b.open("\x16\x03\x01\x01\x00\x01") // the beginning of a handshake
	b.wantCount(idle, 4)
	io.WriteString(visitors[0], "GET / HTTP/1.1\r\n")
	b.wantCount(receiving, 1)
	// A record of 16,000 bytes begins a handshake of 64,000.
	b.open("\x16\x03\x01\x3e\x80\x01\x00\xfa\x00" + strings.Repeat("x", 2*maxHello))
	b.wantCount(receiving, 2)
	b.wantCount(idle, 3)
}

// The beginning of a request may come together with the end of the handshake. http.Server parses it
// without reading again.
func TestRequestBehindHandshakeIsReceiving(t *testing.T) {
	for _, request := range []string{get, "GET / HTTP/1.1\r\n" + strings.Repeat("a:\n", 200)} {
		b := serveEncrypted(t)
		busy := cap(b.connections.admitted)
		for range busy {
			b.connections.admitted <- struct{}{}
		}
		held := &heldConn{Conn: b.open("")}
		// The server reads up to twice as much as the handshake began with.
		visitor := tls.Client(held, &tls.Config{InsecureSkipVerify: true,
			NextProtos: append(slices.Repeat([]string{strings.Repeat("x", 200)}, 8), "http/1.1")})
		if err := visitor.Handshake(); err != nil {
			t.Fatal(err)
		}
		io.WriteString(visitor, request)
		held.Conn.Write(held.rest)
		b.wantCount(receiving, 1)
		for range busy {
			<-b.connections.admitted
		}
		if request == get {
			if _, err := http.ReadResponse(bufio.NewReader(visitor), nil); err != nil {
				t.Error(err)
			}
			b.wantCount(idle, 1)
		}
	}
}

// A heldConn sends the first part and keeps the rest.
type heldConn struct {
	net.Conn
	begun bool
	rest  []byte
}

func (c *heldConn) Write(b []byte) (int, error) {
	if !c.begun {
		c.begun = true
		return c.Conn.Write(b)
	}
	c.rest = append(c.rest, b...)
	return len(b), nil
}

// Closing a connection does not free the memory of its fields before its goroutine has run. Until
// then, no other request is read in its place.
func TestRequestWaitsForMemory(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	busy := cap(b.connections.admitted)
	for range busy {
		b.connections.admitted <- struct{}{}
	}
	var waiting []net.Conn
	for range 3 {
		waiting = append(waiting, b.open(get))
		b.wantCount(receiving, min(len(waiting), 2))
	}
	b.wantClosed(waiting[0])
	for range busy {
		<-b.connections.admitted
	}
	b.read(waiting[1])
	b.read(waiting[2])
	for range 2 * busy { // every request gives its place back, also one that no handler answers
		b.read(b.open(get))
		for _, request := range []string{
			"GET / HTTP/1.1\r\n\r\n", // without a Host
			"GET / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n",
			"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		} {
			b.wantClosed(b.open(request))
		}
	}
	// While its body arrives, a form keeps its place, although the server has answered 100.
	form := b.open(strings.Replace(half, "\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1))
	answers := bufio.NewReader(form)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
		t.Fatalf("POST /simpleform with Expect = %q, %v, want 100", line, err)
	}
	testsite.Eventually(t, "only the form is admitted", func() error {
		if n := len(b.connections.admitted); n != 1 {
			return fmt.Errorf("%d requests are admitted", n)
		}
		return nil
	})
}

func TestRequestWithManyHeaderFieldsIsRefused(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	for n, want := range map[int]int{maxFields: http.StatusOK,
		maxFields + 1: http.StatusRequestHeaderFieldsTooLarge} {
		different := ""
		for i := range n {
			different += fmt.Sprintf("X-%d:\r\n", i)
		}
		for _, fields := range []string{different, strings.Repeat("X:\r\n", n)} {
			conn := b.open("GET / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != want {
				t.Errorf("GET / with %d header fields = %v, %v, want %d", n, resp, err, want)
			}
		}
	}
}

func TestFormTimesOut(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Second)
	resp, err := http.ReadResponse(bufio.NewReader(b.open(half)), nil)
	if err != nil || resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("POST /simpleform without its end = %v, %v, want 408", resp, err)
	}
}

// A form that is too large is refused at once, and not when the rest of it has arrived.
func TestLargeFormIsRefusedAtOnce(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	large := strings.Replace(half, "100", "99999999", 1) + strings.Repeat("x", 20_000)
	resp, err := http.ReadResponse(bufio.NewReader(b.open(large)), nil)
	if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("POST /simpleform of 100 MB = %v, %v, want 413", resp, err)
	}
}

func TestSlowReadersHoldFewConnections(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	var slow []net.Conn
	for range 4 {
		slow = append(slow, b.open("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"))
		b.wantCount(sending, min(len(slow), 2))
	}
	b.wantClosed(slow[0])
	b.wantClosed(slow[1])
	b.read(b.open(get))
}
