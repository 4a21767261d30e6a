// Command simpleapp serves SimpleApp: a home page that counts its visits, a form that stores
// favourite foods, and a page of what was stored.
//
//	usage: simpleapp [healthcheck | version | migrate | export [--format csv|json] [--bom]]
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/caarlos0/env/v11"
)

func main() {
	// The live heap is small, so GOGC=400 costs about 10 MB and saves about 10 % of CPU. In a crowd the
	// memory limit makes the collector run more often. GOGC and GOMEMLIMIT of the environment win.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(96 << 20)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:], env.ToMap(os.Environ()), os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "simpleapp:", err)
		os.Exit(1)
	}
}

// An invocation is what the program was called with.
type invocation struct {
	args           []string // that follow the command
	environ        map[string]string
	stdout, stderr io.Writer
}

// commands are the subcommands by name. Without a name the program serves.
var commands = map[string]func(context.Context, invocation) error{
	"":            serve,
	"export":      export,
	"healthcheck": healthcheck,
	"migrate":     migrate,
	"version":     printVersion,
}

// errUsage is what a command returns when its arguments are wrong.
var errUsage = errors.New("usage: simpleapp " +
	"[healthcheck | version | migrate | export [--format csv|json] [--bom]]")

// run is the program without its process. It returns an error that tells what to do about it.
func run(ctx context.Context, args []string, environ map[string]string, stdout, stderr io.Writer) error {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	command, ok := commands[name]
	if !ok {
		return errUsage
	}
	return command(ctx, invocation{args, environ, stdout, stderr})
}

// configure returns the settings, and the log for a command that takes no arguments but flags.
func (i invocation) configure() (config, *slog.Logger, error) {
	cfg, err := loadConfig(i.environ)
	return cfg, newLogger(i.stderr, cfg.LogLevel), err
}

// newLogger writes text for people at a terminal and JSON for machines.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return slog.New(slog.NewTextHandler(w, options))
		}
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
