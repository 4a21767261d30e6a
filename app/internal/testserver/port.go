package testserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
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

func isFree(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}
