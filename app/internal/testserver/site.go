package testserver

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
)

// StartSite starts a website that is not the program, and waits until it accepts connections. The
// function command returns a command that serves http on the given port of 127.0.0.1. The caller
// must call Close.
func StartSite(name string, command func(port string) *exec.Cmd) (*Server, error) {
	s, err := newServer(name)
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(s.Addr)
	s.command = func() *exec.Cmd { return command(port) }
	s.ping = func() error {
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	if err := s.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), s.Close())
	}
	return s, nil
}
