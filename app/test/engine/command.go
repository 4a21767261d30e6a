package engine

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A Command has the settings of a command. Without any, the command runs in the folder of the
// repository, and ctrl-C ends it.
type Command struct {
	Dir   string   // another folder
	Env   []string // further variables
	Input string   // the standard input
	AtEnd bool     // ctrl-C does not end the command
}

// Run runs a command and returns its standard output and error together.
func (c Command) Run(name string, args ...string) (string, error) {
	ctx := UntilInterrupted
	if c.AtEnd {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, 2*Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = Root
	if c.Dir != "" {
		cmd.Dir = c.Dir
	}
	cmd.Env = append(cmd.Environ(), c.Env...)
	if c.Input != "" {
		cmd.Stdin = strings.NewReader(c.Input)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// Must is Run for a command that has to succeed.
func (c Command) Must(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := c.Run(name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// Clean runs a command that cleans up after a test. The test fails if the command does. ctrl-C does
// not end the command.
func (c Command) Clean(t testing.TB, name string, args ...string) {
	t.Helper()
	c.AtEnd = true
	if out, err := c.Run(name, args...); err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// Run is Command.Run without settings.
func Run(name string, args ...string) (string, error) { return Command{}.Run(name, args...) }

// Must is Command.Must without settings.
func Must(t testing.TB, name string, args ...string) string {
	t.Helper()
	return Command{}.Must(t, name, args...)
}

// Clean is Command.Clean without settings.
func Clean(t testing.TB, name string, args ...string) {
	t.Helper()
	Command{}.Clean(t, name, args...)
}
