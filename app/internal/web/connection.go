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

// Read reads what the client has sent. After the first bytes of a request, or more than maxHello of
// a handshake, it waits until the connection is admitted. If http.Server then reads again, the
// header is not complete, and the connection is receiving until it is.
func (c *connection) Read(b []byte) (int, error) {
	if c.broken.Load() {
		return 0, io.EOF
	}
	if c.unparsed.Load() {
		c.enter(receiving)
	}
	n, err := c.TCPConn.Read(b)
	if c.handshaking {
		c.hello, c.last = c.hello+n, n
	}
	if n > 0 && (!c.handshaking || c.hello > maxHello) && !c.admitIdle() {
		return 0, net.ErrClosed
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
			c.admitIdle()
		}
	case c.deadlines == 2 && c.kept:
		c.admitIdle()
	default:
		c.admitIdle() // a short request may have come with the end of the handshake
		if c.unparsed.Swap(false) {
			c.enter(working)
		}
	}
	return c.TCPConn.SetReadDeadline(t)
}

// Write writes a part of an answer. If the answer is http.Server's own, or one of TLS, no handler
// has moved the connection to sending, so Write does. Something is written before the header is
// parsed if the header is broken, or if the client asks for new TLS keys instead of a page, which
// no browser does. Then this connection ends.
func (c *connection) Write(b []byte) (int, error) {
	if c.unparsed.Swap(false) {
		c.broken.Store(true)
	}
	if c.admitted.Load() && c.is(working) {
		c.enter(sending)
	}
	return c.TCPConn.Write(b)
}

// enter moves the connection to a state. An idle, sending or closed connection is not admitted any
// more. If c is nil, enter does nothing.
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
	if state == idle || state == sending || state == closed {
		c.leave()
	}
}

// is reports whether the connection is in a state.
func (c *connection) is(state connState) bool {
	c.connections.mu.Lock()
	defer c.connections.mu.Unlock()
	return c.state == state
}

// admitIdle admits the connection if it is idle. It returns false if the connection was closed to
// make room while it waited.
func (c *connection) admitIdle() bool {
	if !c.is(idle) {
		return true
	}
	if c.handshaking {
		c.admit(receiving)
	} else {
		c.admit(working)
		c.unparsed.Store(true)
	}
	return !c.is(closed)
}

// admit waits until the connection is admitted, and moves it to a state. If c is nil, admit does
// nothing.
func (c *connection) admit(state connState) {
	if c == nil {
		return
	}
	if !c.admitted.Swap(true) {
		select {
		case c.connections.admitted <- struct{}{}:
		default:
			c.enter(waiting)
			c.connections.admitted <- struct{}{}
		}
	}
	c.enter(state)
}

// leave admits another connection in place of this one, if this one is admitted. If c is nil, leave
// does nothing.
func (c *connection) leave() {
	if c != nil && c.admitted.Swap(false) {
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

// first returns the connection that has been in the queue longest, or nil.
func (q *queue) first() *connection {
	if q.length == 0 {
		return nil
	}
	return q.head.next
}

func (q *queue) remove(c *connection) {
	c.previous.next, c.next.previous = c.next, c.previous
	q.length--
}
