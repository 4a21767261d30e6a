package web

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxConnections bounds the memory of idle clients. Each takes 21 KB: a stack of 8 KB, and in
	// net/http two buffers of 4 KB and other memory. All of them take less than the memory limit
	// that main sets.
	maxConnections = 3072
	// maxEncrypted takes the place of maxConnections on a server with TLS, where each connection
	// takes 31 KB.
	maxEncrypted = 2048
	// At most max/slowShare connections may be receiving a request, and as many sending an answer.
	slowShare = 24
	// At most admittedShare × max/slowShare connections may have a header or form that was not
	// checked. The fields of a header may take 220 KB: newServer bounds its bytes, but not their
	// number. It must be more than 1: a slow client is closed when another connection becomes
	// receiving, and that one needs a place, too.
	admittedShare = 2
	// maxHello bounds how much of a TLS handshake an idle connection sends. Browsers send 2 KB.
	maxHello = 4 << 10
	// maxFinished is how many bytes the last part of a TLS handshake has, if no request is behind
	// it. Browsers send 60 to 130, and no client of TLS 1.2 more than about 233.
	maxFinished = 256
	// writeBuffer bounds how many bytes the kernel keeps for a client that does not read. Nearly
	// every page fits in it.
	writeBuffer = 32 << 10
)

// A connState is the state of a connection: what it waits for.
type connState int

const (
	idle      connState = iota // waits for the first bytes of a request, or for a TLS handshake
	waiting                    // has a part of a request, and waits until it is admitted
	receiving                  // waits for the rest of a request, or of a very large handshake
	working                    // waits for this program
	sending                    // waits for the client to read the answer
	// closed: not open any more. It must be the last state: queues is an array with one queue for
	// each state before it.
	closed
)

func (s connState) String() string {
	return [...]string{"idle", "waiting", "receiving", "working", "sending", "closed"}[s]
}

// Connections bounds the idle and slow connections of a server, so that they do not prevent new
// visitors from connecting. While more than max are open, each connection that is new, or becomes
// idle or waiting, closes the one that has been idle longest. If no other is idle, it closes the
// one that has been waiting longest. If maxSlow are receiving, or sending, each further one closes
// the one that has been in that state longest. No working connection is closed: the function limit
// bounds how many requests wait for a store. Requests that need no store do not wait.
//
// A closed connection keeps its memory until its goroutine ends, which takes long on a busy
// machine. Therefore a connection with the first bytes of a request waits until it is admitted. A
// connection that waits for this program is not receiving: in a sudden crowd, no visitor who has
// sent a whole request is taken for a slow one. An admitted connection is receiving whenever it
// waits for its client. So slow clients can't have all places.
type Connections struct {
	max, maxSlow int
	admitted     chan struct{} // one element for each connection with a request to check
	log          *slog.Logger
	metrics      *Metrics

	mu       sync.Mutex
	open     int
	queues   [closed]queue // the connections in each state, in the order in which they entered it
	shortage time.Time     // when a connection was last closed to make room
}

// NewConnections returns the Connections of one server.
func NewConnections(log *slog.Logger, metrics *Metrics) *Connections {
	c := &Connections{log: log, metrics: metrics}
	c.allow(maxConnections, maxConnections/slowShare)
	for state := range closed {
		head := &c.queues[state].head
		head.next, head.previous = head, head
		metrics.countConnections(state.String(), func() int { return c.count(state) })
	}
	return c
}

func (c *Connections) allow(max, maxSlow int) {
	c.max, c.maxSlow, c.admitted = max, maxSlow, make(chan struct{}, admittedShare*maxSlow)
}

// Watch prepares a server: it sets ConnState, ConnContext and DisableGeneralOptionsHandler. Call it
// before the server serves, and after its TLSConfig is set. The server may serve only listeners
// that Limit returned, and only HTTP/1, because a connection of HTTP/2 has several requests at a
// time.
func (c *Connections) Watch(server *http.Server) {
	// http.Server would answer OPTIONS * itself, and wait for its body as a working connection.
	server.DisableGeneralOptionsHandler = true
	if server.TLSConfig != nil {
		c.allow(maxEncrypted, maxEncrypted/slowShare)
	}
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			_, limited(conn).handshaking = conn.(*tls.Conn)
		case http.StateIdle:
			limited(conn).kept, limited(conn).deadlines = true, 0
			limited(conn).enter(idle)
		case http.StateClosed:
			limited(conn).enter(closed)
		}
	}
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, limited(conn))
	}
}

// Limit wraps a TCP listener. Pass the result to Serve or ServeTLS of a watched server.
func (c *Connections) Limit(listener net.Listener) net.Listener {
	return limitedListener{listener, c}
}

func (c *Connections) count(state connState) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queues[state].length
}

// move moves conn to a state. It returns the connection that the caller must close to make room, or
// nil, and a function that writes what is to be logged about that, or nil.
func (c *Connections) move(conn *connection, to connState) (surplus *connection, report func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case conn.next == nil: // the listener has just accepted it
		c.open++
	case conn.state == closed || conn.state == to:
		return nil, nil
	default:
		c.queues[conn.state].remove(conn)
	}
	conn.state = to
	if to == closed {
		c.open--
		return nil, nil
	}
	c.queues[to].push(conn)
	if surplus = c.longest(conn); surplus != nil {
		report = c.noteSurplus(surplus.state)
		c.queues[surplus.state].remove(surplus)
		surplus.state = closed
		c.open--
	}
	return surplus, report
}

// longest returns the connection that must make room after conn has entered its state, or nil.
func (c *Connections) longest(conn *connection) *connection {
	switch conn.state {
	case idle, waiting:
		if c.open <= c.max {
			return nil
		}
		for _, state := range []connState{idle, waiting} {
			if first := c.queues[state].first(); first != nil && first != conn {
				return first
			}
		}
	case receiving, sending:
		if queue := &c.queues[conn.state]; queue.length > c.maxSlow {
			return queue.first()
		}
	}
	return nil
}

// noteSurplus counts a connection that is closed to make room. Only if none was closed in the
// minute before, it returns a function that logs that. The caller must not wait for the function:
// while nobody reads the log, writing to it may take for ever.
func (c *Connections) noteSurplus(state connState) (report func()) {
	c.metrics.connectionsClosed.WithLabelValues(state.String()).Inc()
	now := time.Now()
	if now.Sub(c.shortage) > time.Minute {
		attributes := []any{"state", state.String(), "max", c.max, "max_slow", c.maxSlow}
		for s := range closed {
			attributes = append(attributes, s.String(), c.queues[s].length)
		}
		attributes = append(attributes, "hint", "add replicas")
		report = func() {
			c.log.Warn("too many connections: "+
				"each further one closes the one that has been longest in this state",
				attributes...)
		}
	}
	c.shortage = now
	return report
}
