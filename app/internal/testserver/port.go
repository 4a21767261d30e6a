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

// given has the ports that isFree was asked about. It gives each only once, because the server of
// the first caller may not listen yet. Another process may still draw the same port meanwhile.
var given sync.Map

func isFree(port int) bool {
	if _, taken := given.LoadOrStore(port, true); taken {
		return false
	}
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}
