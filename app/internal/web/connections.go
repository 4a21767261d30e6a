package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxConnections bounds the memory of idle clients. Each costs 21 KB: a stack of 8 KB, and in
	// net/http two buffers of 4 KB and more. So all together stay below the memory limit that main sets.
	maxConnections = 3072
	// maxSlow bounds the connections that wait for the rest of a form and, apart from them, those
	// that wait for the client to take its answer.
	maxSlow = maxConnections / 8
	// writeBuffer bounds what the kernel keeps for a client that does not read. Every page fits.
	writeBuffer = 32 << 10
)

// A connState says what a connection waits for.
type connState int

const (
	idle      connState = iota // the client's request: the first or the next one
	receiving                  // the rest of a form
	working                    // this program
	sending                    // the client, to take the answer
	closed                     // nothing: it is not counted any more
)

func (s connState) String() string {
	return [...]string{"idle", "receiving", "working", "sending", "closed"}[s]
}

// Connections bounds the open connections of a server, so that idle and slow clients never keep a
// new visitor waiting. When maxConnections are open, each new one closes the one that has been idle
// longest. When maxSlow are receiving or sending, each further one closes the one that has been at
// that longest. Connections that are working are never closed: limit bounds their number.
type Connections struct {
	max, maxSlow int
	log          *slog.Logger
	metrics      *Metrics

	mu       sync.Mutex
	open     int
	queues   [closed]queue // the connections in each state, in the order in which they entered it
	shortage time.Time     // when a connection was last closed to make room
}

// NewConnections returns the bound for one server.
func NewConnections(log *slog.Logger, metrics *Metrics) *Connections {
	c := &Connections{max: maxConnections, maxSlow: maxSlow, log: log, metrics: metrics}
	for state := range closed {
		head := &c.queues[state].head
		head.next, head.previous = head, head
		metrics.countConnections(state.String(), func() int { return c.count(state) })
	}
	return c
}

// Bound returns the listener for server to serve in place of listener, which must be a TCP
// listener. It sets server.ConnState and server.ConnContext.
func (c *Connections) Bound(server *http.Server, listener net.Listener) net.Listener {
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateActive: // the header of a request has arrived
			conn.(*connection).enter(working)
		case http.StateIdle:
			conn.(*connection).enter(idle)
		case http.StateClosed:
			conn.(*connection).enter(closed)
		}
	}
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, conn)
	}
	return boundedListener{listener, c}
}

func (c *Connections) count(state connState) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queues[state].length
}

// move puts conn into a state. It returns the connection that the caller has to close to make room,
// or nil.
func (c *Connections) move(conn *connection, to connState) (surplus *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case conn.state == closed:
		return nil
	case conn.next == nil: // it was just accepted
		c.open++
	default:
		c.queues[conn.state].remove(conn)
	}
	conn.state = to
	if to == closed {
		c.open--
		return nil
	}
	queue := &c.queues[to]
	queue.push(conn)
	full := queue.length > c.maxSlow && (to == receiving || to == sending)
	full = full || c.open > c.max && to == idle
	if longest := queue.head.next; full && longest != conn {
		queue.remove(longest)
		longest.state = closed
		c.open--
		c.report(to)
		return longest
	}
	return nil
}

// report counts a connection that made room, and tells the operator of the first one in a minute.
func (c *Connections) report(state connState) {
	c.metrics.connectionsClosed.WithLabelValues(state.String()).Inc()
	now := time.Now()
	if now.Sub(c.shortage) > time.Minute {
		c.log.Warn("connections run short: each new one closes the oldest in its state",
			"state", state.String(), "max", c.max, "idle", c.queues[idle].length,
			"receiving", c.queues[receiving].length, "working", c.queues[working].length,
			"sending", c.queues[sending].length,
			"hint", "more replicas take more connections")
	}
	c.shortage = now
}

// A boundedListener accepts connections that are counted.
type boundedListener struct {
	net.Listener
	connections *Connections
}

func (l boundedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{TCPConn: conn.(*net.TCPConn), connections: l.connections}
	c.SetWriteBuffer(writeBuffer) // should this fail, the kernel's own bound holds
	c.enter(idle)
	return c, nil
}

type connectionKey struct{}

// A connection is counted. It has all methods of net.TCPConn, because the server needs CloseWrite
// to answer a request that it will not read.
type connection struct {
	*net.TCPConn
	connections *Connections

	// Guarded by connections.mu.
	state          connState
	previous, next *connection // in the queue of state; nil before that
}

// connectionOf returns the connection of a request, or nil if its server has no bound.
func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	return c
}

// enter notes what the connection waits for from now on. On nil it does nothing.
func (c *connection) enter(state connState) {
	if c == nil {
		return
	}
	if surplus := c.connections.move(c, state); surplus != nil {
		surplus.Close()
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
