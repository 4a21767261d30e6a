package https

import (
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// A balancer hands each connection to the next of its targets that accepts it, as Swarm's mesh
// does.
type balancer struct {
	mu      sync.Mutex
	targets []string
	next    int
}

// balance starts a balancer at an address until the test ends.
func balance(t *testing.T, host string, port int) *balancer {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	b := new(balancer)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go b.serve(client)
		}
	}()
	return b
}

func (b *balancer) set(targets ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.targets = targets
}

func (b *balancer) serve(client net.Conn) {
	defer client.Close()
	server := b.dial()
	if server == nil {
		return
	}
	defer server.Close()
	go func() {
		io.Copy(server, client)
		server.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(client, server)
}

func (b *balancer) dial() net.Conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.targets {
		b.next = (b.next + 1) % len(b.targets)
		if conn, err := net.Dial("tcp", b.targets[b.next]); err == nil {
			return conn
		}
	}
	return nil
}
