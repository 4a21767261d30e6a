package main

import (
	"net"
	"net/http"
)

// maxConnections bounds what idle and slow clients cost: some 10 KB each. More wait outside.
const maxConnections = 2048

// A boundedListener accepts a connection when there is a place for it. It hands out the connection
// itself, not a wrapper: the server needs its CloseWrite to answer a request that it won't read.
type boundedListener struct {
	net.Listener
	places chan struct{}
}

// bound returns a listener that keeps server to max connections at once.
func bound(server *http.Server, listener net.Listener, max int) net.Listener {
	places := make(chan struct{}, max)
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			<-places
		}
	}
	return boundedListener{listener, places}
}

func (l boundedListener) Accept() (net.Conn, error) {
	l.places <- struct{}{}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.places
	}
	return conn, err
}
