// Package testserver starts the processes that tests and benchmarks use: real MySQL and Redis
// servers, websites, and the program itself. It also imitates a browser and a proxy, and makes
// certificates. The servers listen on free loopback ports, and each has temporary data. Each
// database server has its own password, and answers a write only after it is on disk.
package testserver

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// startTimeout is how long a server may take to start or stop. It is long, because the machine may
// be busy with other tests.
const startTimeout = time.Minute

// A Server is a server that a test has started: a database server or a website.
type Server struct {
	Addr         string // host:port
	Password     string // of the app's user; a website does not use it
	PasswordFile string // holds Password

	dir     string // contains all files of the server; Close removes it
	command func() *exec.Cmd
	ping    func() error // returns nil if the server answers

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
	output bytes.Buffer  // of all processes of the server
}

func newServer(name string) (*Server, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "simpleapp-"+name+"-")
	if err != nil {
		return nil, err
	}
	s := &Server{
		Addr:         fmt.Sprintf("127.0.0.1:%d", port),
		Password:     rand.Text(),
		PasswordFile: filepath.Join(dir, "password"),
		dir:          dir,
	}
	if err := os.WriteFile(s.PasswordFile, []byte(s.Password+"\n"), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// Start starts the server and waits until it answers. It may be called again after Stop.
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
	deadline := time.After(startTimeout)
	for {
		err := s.ping()
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			return fmt.Errorf("%s ended: %s", cmd.Path, &s.output)
		case <-deadline:
			stopErr := s.Stop() // after it, the output is complete
			return errors.Join(
				fmt.Errorf("%s does not answer: %w: %s", cmd.Path, err, &s.output), stopErr)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Signal sends the server a signal. SIGSTOP makes it hang, SIGCONT makes it resume.
func (s *Server) Signal(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Signal(sig)
}

// Stop kills the server and waits until it has ended. It keeps the data.
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

// PID returns the id of the server's current process.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}

// Close stops the server and removes its data.
func (s *Server) Close() error { return errors.Join(s.Stop(), os.RemoveAll(s.dir)) }
