package web

import (
	"crypto/tls"
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
	hello       int  // bytes that the client has sent in the handshake
	deadlines   int  // calls of SetReadDeadline since the end of the handshake or of a request

	admitted atomic.Bool // has an element in connections.admitted

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
	n, err := c.TCPConn.Read(b)
	if c.handshaking {
		c.hello += n
	}
	if n > 0 && (!c.handshaking || c.hello > maxHello) {
		c.receive()
	}
	return n, err
}

// SetReadDeadline sets the time at which Read gives up. http.Server calls it before and after a TLS
// handshake. Between two requests it also calls it twice: when it begins to wait for the second
// one, and when it has the first bytes of that one. The client may have sent these together with
// the first request. Then Read has nothing to read.
func (c *connection) SetReadDeadline(t time.Time) error {
	switch c.deadlines++; {
	case c.deadlines != 2:
	case c.handshaking:
		c.handshaking, c.deadlines = false, 0
		c.enter(idle)
	default:
		c.receive()
	}
	return c.TCPConn.SetReadDeadline(t)
}

// Write writes a part of an answer. If http.Server answers without its handler, because the request
// is broken, it has dropped the fields.
func (c *connection) Write(b []byte) (int, error) {
	c.leave()
	return c.TCPConn.Write(b)
}

// receive moves the connection from idle to receiving. In another state it stays there.
func (c *connection) receive() {
	c.connections.mu.Lock()
	waits := c.state == idle
	c.connections.mu.Unlock()
	if waits {
		c.enter(receiving)
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
	if state == receiving {
		c.connections.admitted <- struct{}{}
		c.admitted.Store(true)
	} else {
		c.leave()
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
