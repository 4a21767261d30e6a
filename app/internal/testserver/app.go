package testserver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// An App is a running process of the program. It listens on free ports.
type App struct {
	Addr, AdminAddr string // host:port
	HTTPSAddr       string // "" if the program serves no https
	PID             int

	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has ended
	err    error         // of the process; may be read once exited is closed

	mu  sync.Mutex
	log strings.Builder
}

// StartApp starts the program in the file binary and waits until it listens. Its environment
// consists of the given variables ("NAME=value") and of addresses with free ports. The caller must
// end it with Stop or Kill.
func StartApp(binary string, environ ...string) (*App, error) {
	a := &App{cmd: exec.Command(binary), exited: make(chan struct{})}
	a.cmd.Env = append([]string{"ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0"}, environ...)
	dieWithParent(a.cmd)
	stderr, err := a.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	a.PID = a.cmd.Process.Pid
	listening := make(chan struct{})
	go func() {
		a.readLog(stderr, listening)
		a.err = a.cmd.Wait()
		close(a.exited)
	}()
	select {
	case <-listening:
		return a, nil
	case <-a.exited:
		return nil, fmt.Errorf("%s ended: %w: %s", binary, a.err, a.Log())
	case <-time.After(startTimeout):
		return nil, errors.Join(fmt.Errorf("%s does not listen: %s", binary, a.Log()), a.Kill())
	}
}

// readLog keeps the log of the program. It closes listening when the program has logged its
// addresses.
func (a *App) readLog(stderr io.Reader, listening chan struct{}) {
	for lines := bufio.NewReader(stderr); ; {
		text, err := lines.ReadBytes('\n')
		a.mu.Lock()
		a.log.Write(text)
		a.mu.Unlock()
		var line struct {
			Msg, Addr string
			AdminAddr string `json:"admin_addr"`
			HTTPSAddr string `json:"https_addr"`
		}
		if json.Unmarshal(text, &line) == nil && line.Msg == "serving" {
			a.Addr, a.AdminAddr, a.HTTPSAddr = line.Addr, line.AdminAddr, line.HTTPSAddr
			close(listening)
		}
		if err != nil { // the program has ended
			return
		}
	}
}

// Log returns what the program has logged so far.
func (a *App) Log() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.String()
}

// Kill kills the program and waits until it has ended.
func (a *App) Kill() error {
	if err := a.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-a.exited
	return nil
}

// Stop sends SIGTERM and waits until the program has ended. It returns an error unless the program
// exits with status 0.
func (a *App) Stop() error {
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-a.exited:
		return a.err
	case <-time.After(startTimeout):
		return errors.Join(errors.New("the program does not stop"), a.Kill())
	}
}
