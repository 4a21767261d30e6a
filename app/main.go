// Command simpleapp serves SimpleApp: a home page that counts its visits, a form that stores
// favourite foods, and pages that show them. `simpleapp help` lists the subcommands.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/caarlos0/env/v11"

	"simpleapp/internal/database"
)

func main() {
	tuneCollector()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, invocation{args: os.Args[1:], environ: env.ToMap(os.Environ()),
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, stepAside: stepAside})
	if err != nil {
		fmt.Fprintln(os.Stderr, "simpleapp:", err)
		os.Exit(1)
	}
}

// tuneCollector sets when the garbage collector runs. The live heap is small, so GOGC=400 costs
// about 10 MB and saves about 10 % of CPU. Under load the memory limit makes the collector run more
// often. The variables GOGC and GOMEMLIMIT override these values, except in export and import,
// which set their own: see stepAside.
func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(80 << 20)
	}
}

// An invocation contains the arguments, the environment and the streams of a command.
type invocation struct {
	usage          string   // of the command: run sets it
	args           []string // for a command, those after its name
	environ        map[string]string
	stdin          io.Reader
	stdout, stderr io.Writer
	// stepAside is called by export and import. It is nil in tests, because the function stepAside
	// changes the process for good.
	stepAside func()
}

// A command is a subcommand of the program.
type command struct {
	run  func(context.Context, invocation) error
	args string // the arguments in the usage
}

func (c command) usage(name string) string { return strings.TrimSpace("simpleapp "+name) + c.args }

// commands are the subcommands by name. Without arguments the program serves.
var commands = map[string]command{
	"":            {serve, ""},
	"certificate": {printCertificate, ""},
	"export":      {export, " [--format csv|json] [--visits] [--bom]"},
	"forget":      {forget, " [--id ID] REFERENCE"},
	"healthcheck": {healthcheck, ""},
	"import":      {importRecords, " [--merge] [--only submissions|visits]"},
	"migrate":     {migrate, ""},
	"seed":        {seed, " [--n 500] [--merge]"},
	"version":     {printVersion, ""},
}

// run runs the subcommand in i.args. main calls it with the arguments, environment and streams of
// the process, and tests call it with their own.
func run(ctx context.Context, i invocation) error {
	name := ""
	if len(i.args) > 0 {
		name, i.args = i.args[0], i.args[1:]
	}
	cmd, ok := commands[name]
	switch {
	case name == "help", name == "-h", name == "--help":
		_, err := fmt.Fprintln(i.stdout, usageOfAll())
		return err
	case !ok:
		return fmt.Errorf("%q is not a command: %s", name, usageOfAll())
	}
	i.usage = "usage: " + cmd.usage(name)
	if i.stepAside == nil {
		i.stepAside = func() {}
	}
	err := cmd.run(ctx, i)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return withHint(err, database.Hint)
	}
	return nil
}

// A hintedError is an error that says what the operator can do about it.
type hintedError struct{ error }

func (e hintedError) Unwrap() error { return e.error }

// withHint adds what an operator can do about an error, unless the error says that already.
func withHint(err error, hint func(error) string) error {
	if errors.As(err, new(hintedError)) {
		return err
	}
	if remedy := hint(err); remedy != "" {
		return hintedError{fmt.Errorf("%w: %s", err, remedy)}
	}
	return err
}

// usageOfAll returns the usage of every command, and how to learn more.
func usageOfAll() string {
	usage := "usage:"
	for _, name := range slices.Sorted(maps.Keys(commands)) {
		usage += "\n  " + commands[name].usage(name)
	}
	return usage + "\nWithout a command, simpleapp serves the site. " +
		"`simpleapp COMMAND --help` says what a command does."
}

// parse parses the flags of a command. args is how many other arguments must follow them. If a flag
// or the number of arguments is wrong, the error names it and has the usage. For --help it prints
// the usage, what the command does, and the flags, and returns flag.ErrHelp.
func (i invocation) parse(flags *flag.FlagSet, args int, does string) error {
	flags.Init("", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error has the usage
	err := flags.Parse(i.args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(i.stdout, "%s\n%s\n", i.usage, does)
		flags.SetOutput(i.stdout)
		flags.PrintDefaults()
		return err
	}
	switch n := flags.NArg(); {
	case err != nil:
	case n > args:
		err = fmt.Errorf("%q is one argument too many", flags.Arg(args))
	case n < args:
		err = errors.New("an argument is missing")
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, i.usage)
	}
	return nil
}

// configure returns the settings and the logger.
func (i invocation) configure() (config, *slog.Logger, error) {
	cfg, err := loadConfig(i.environ)
	return cfg, newLogger(i.stderr, cfg.LogLevel), err
}

// newLogger returns a logger that writes text to a terminal, and JSON to anything else.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
