package testserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// FreePort returns a port that is free on every address of this machine. The ports port + offset
// are free, too. All are below the range of outgoing connections, so that no connection takes them
// before a server does, or while the server restarts.
func FreePort(offsets ...int) (int, error) {
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		free := isFree(port)
		for _, offset := range offsets {
			free = free && isFree(port+offset)
		}
		if free {
			return port, nil
		}
	}
	return 0, errors.New("no free port was found from 10000 to 30000")
}

// given has the marks of isFree. They are open until the process ends.
var given sync.Map

// isFree marks a port as given, because the server of the caller may not listen yet. The mark is a
// UDP socket of the same number, which no other test can open, not even in another process. Servers
// use TCP only.
func isFree(port int) bool {
	addr := fmt.Sprintf(":%d", port)
	mark, err := net.ListenPacket("udp", addr)
	if err != nil {
		return false
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		mark.Close()
		return false
	}
	l.Close()
	given.Store(port, mark)
	return true
}
