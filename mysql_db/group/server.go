package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// errEndServer is part of an error after which serve ends the server at once, and starts it again.
var errEndServer = errors.New("its server ends, and starts again")

// errCutOff says that mysqld has to start again before this copy can join a group.
var errCutOff = fmt.Errorf("this copy was cut off from the group: %w", errEndServer)

// A server is a running mysqld.
type server struct {
	process *os.Process
	ended   chan struct{} // closed when it has ended
	err     error         // why, once ended is closed
}

// startServer starts a command that runs mysqld.
func startServer(name string, args ...string) (*server, error) {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{process: cmd.Process, ended: make(chan struct{})}
	go func() {
		s.err = cmd.Wait()
		close(s.ended)
	}()
	return s, nil
}

// await waits until ok returns nil, or returns an error if the server ends first. After a
// minute, which is longer than a start usually takes, await logs why the server does not answer.
func (s *server) await(ctx context.Context, ok func(context.Context) error) error {
	began, logged := time.Now(), ""
	for {
		ask, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := ok(ask)
		cancel()
		if err == nil {
			return nil
		}
		if time.Since(began) > time.Minute && err.Error() != logged {
			logged = err.Error()
			log.Print("mysqld does not answer yet: ", err)
		}
		select {
		case <-s.ended:
			return fmt.Errorf("mysqld ended: %v", s.err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// stop ends the server in order, and waits until it has ended.
func (s *server) stop() {
	s.process.Signal(syscall.SIGTERM)
	<-s.ended
}

// kill ends the server at once, and waits until it has ended.
func (s *server) kill() {
	s.process.Kill()
	<-s.ended
}
