package web

import (
	"bufio"
	"crypto/tls"
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
func TestRequestBehindHandshakeIsAdmitted(t *testing.T) {
	for _, request := range []string{get, "GET / HTTP/1.1\r\n" + strings.Repeat("a:\n", 200)} {
		b := serveEncrypted(t)
		release := b.occupy()
		held := &heldConn{Conn: b.open("")}
		// The server reads up to twice as much as the handshake began with.
		visitor := tls.Client(held, &tls.Config{InsecureSkipVerify: true,
			NextProtos: append(slices.Repeat([]string{strings.Repeat("x", 200)}, 8), "http/1.1")})
		if err := visitor.Handshake(); err != nil {
			t.Fatal(err)
		}
		io.WriteString(visitor, request)
		held.Conn.Write(held.rest)
		b.wantCount(waiting, 1)
		release()
		if request != get {
			b.wantCount(receiving, 1)
			continue
		}
		if _, err := http.ReadResponse(bufio.NewReader(visitor), nil); err != nil {
			t.Error(err)
		}
		b.wantCount(idle, 1)
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
