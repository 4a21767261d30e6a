package web

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// A limitedListener accepts connections and adds them to Connections.
type limitedListener struct {
	net.Listener
	connections *Connections
}

func (l limitedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{TCPConn: conn.(*net.TCPConn), connections: l.connections}
	c.SetWriteBuffer(writeBuffer) // if this fails, the kernel's default applies
	c.enter(idle)
	return c, nil
}

// limited returns the connection that a limitedListener has accepted. With TLS, the server knows a
// tls.Conn around it.
func limited(conn net.Conn) *connection {
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	return conn.(*connection)
}

type connectionKey struct{}

// A connection is a TCP connection that Connections counts. It has all methods of net.TCPConn,
// because http.Server calls CloseWrite when it answers a request without reading all of it.
type connection struct {
	*net.TCPConn
	connections *Connections
	handshaking bool // the TLS handshake has not ended
	hello, last int  // bytes that the client has sent in the handshake, and in its last part
	kept        bool // the connection has had a request
	deadlines   int  // calls of SetReadDeadline since the end of the handshake or of a request

	admitted atomic.Bool // has an element in connections.admitted
	unparsed atomic.Bool // is admitted for a header that http.Server has not parsed
	broken   atomic.Bool // something was written while the connection was unparsed

	// Guarded by connections.mu.
	state          connState
	previous, next *connection // in the queue of state; nil until the first call of enter
}

// connectionOf returns the connection of a request, or nil if the server does not use Connections.
func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	return c
}

// Read reads what the client has sent. With the first bytes of a request, or more than maxHello of
// a handshake, an idle connection begins to receive.
func (c *connection) Read(b []byte) (int, error) {
	if c.broken.Load() {
		return 0, io.EOF
	}
	n, err := c.TCPConn.Read(b)
	if c.handshaking {
		c.hello, c.last = c.hello+n, n
	}
	if n > 0 && (!c.handshaking || c.hello > maxHello) {
		c.receive()
	}
	return n, err
}

// SetReadDeadline sets the time at which Read gives up. From these calls the connection learns what
// http.Server does. If the server has a ReadHeaderTimeout or a ReadTimeout, it calls
// SetReadDeadline:
//   - before and after a TLS handshake,
//   - when it begins to wait for a request,
//   - for each request but the first, when it has the first bytes, which the client may have sent
//     together with the request before; then Read has nothing to read,
//   - when it has parsed the header, and while it answers.
func (c *connection) SetReadDeadline(t time.Time) error {
	switch c.deadlines++; {
	case c.deadlines == 1:
	case c.handshaking:
		c.handshaking, c.deadlines = false, 0
		c.enter(idle)
		// With the end of the handshake, the beginning of a request may have come.
		if c.hello > maxHello || c.last > maxFinished {
			c.receive()
		}
	case c.deadlines == 2 && c.kept:
		c.receive()
	default:
		c.receive() // a short request may have come with the end of the handshake
		c.unparsed.Store(false)
	}
	return c.TCPConn.SetReadDeadline(t)
}

// Write writes a part of an answer. An answer to a header that is not parsed says that the header
// is broken. Then http.Server has dropped the fields, and waits half a second before it closes the
// connection. The other reason to write is that a client asks for new TLS keys while the connection
// waits for a request. No browser does. So Write admits another connection, and this one ends.
func (c *connection) Write(b []byte) (int, error) {
	if c.unparsed.Swap(false) {
		c.broken.Store(true)
		c.leave()
	}
	return c.TCPConn.Write(b)
}

// receive moves the connection from idle to receiving. In another state it stays there.
func (c *connection) receive() {
	c.connections.mu.Lock()
	waits := c.state == idle
	c.connections.mu.Unlock()
	if waits {
		c.enter(receiving)
		c.unparsed.Store(!c.handshaking)
	}
}

// enter moves the connection to a state. If that is receiving, enter waits until the connection is
// admitted. If c is nil, enter does nothing.
func (c *connection) enter(state connState) {
	if c == nil {
		return
	}
	surplus, report := c.connections.move(c, state)
	if surplus != nil {
		surplus.Close()
	}
	if report != nil {
		go report()
	}
	switch {
	case state != receiving:
		c.leave()
	case !c.admitted.Swap(true):
		c.connections.admitted <- struct{}{}
	}
}

// leave admits another connection in place of this one, if this one is admitted.
func (c *connection) leave() {
	if c.admitted.Swap(false) {
		<-c.connections.admitted
	}
}

// A queue is a ring of connections, in the order of push. The ring begins and ends at head.
type queue struct {
	head   connection
	length int
}

func (q *queue) push(c *connection) {
	c.previous, c.next = q.head.previous, &q.head
	c.previous.next, c.next.previous = c, c
	q.length++
}

func (q *queue) remove(c *connection) {
	c.previous.next, c.next.previous = c.next, c.previous
	q.length--
}
