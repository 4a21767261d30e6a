// Package testserver starts real MySQL-protocol and Redis servers for tests and benchmarks: on free
// loopback ports, each with its own temporary data and passwords, and with every write on disk
// before it is answered.
package testserver

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// startTime is how long a server may take to answer, on a machine that is busy with other tests.
const startTime = time.Minute

// A Server is a running database server of the test's own.
type Server struct {
	Addr         string // host:port
	Password     string // of the app's user
	PasswordFile string // holds Password

	dir     string // of everything the server writes; removed by Close
	command func() *exec.Cmd
	ping    func() error // nil once the server answers

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
	output bytes.Buffer  // of all runs
}

func newServer(name string) (*Server, error) {
	dir, err := os.MkdirTemp("", "simpleapp-"+name+"-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &Server{
		Addr:         net.JoinHostPort("127.0.0.1", port),
		Password:     rand.Text(),
		PasswordFile: filepath.Join(dir, "password"),
		dir:          dir,
	}
	return s, os.WriteFile(s.PasswordFile, []byte(s.Password+"\n"), 0o600)
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// Start starts the server, again if it was stopped, and waits until it answers.
func (s *Server) Start() error {
	cmd := s.command()
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	s.mu.Lock()
	s.cmd, s.exited = cmd, exited
	s.mu.Unlock()
	go func() {
		cmd.Wait()
		close(exited)
	}()
	deadline := time.After(startTime)
	for {
		err := s.ping()
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			return fmt.Errorf("%s ended: %s", cmd.Path, &s.output)
		case <-deadline:
			return errors.Join(fmt.Errorf("%s does not answer: %w", cmd.Path, err), s.Stop())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Signal sends the server a signal: SIGSTOP makes it hang, SIGCONT go on.
func (s *Server) Signal(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Signal(sig)
}

// Stop ends the server at once, as if the power had failed, and waits for its end. Its data stays.
func (s *Server) Stop() error {
	s.mu.Lock()
	cmd, exited := s.cmd, s.exited
	s.mu.Unlock()
	if cmd == nil {
		return nil
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-exited
	return nil
}

// PID returns the process id of the server as it runs now.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}

// Close ends the server and removes its data.
func (s *Server) Close() error { return errors.Join(s.Stop(), os.RemoveAll(s.dir)) }
