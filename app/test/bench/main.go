// Command bench measures the program on this machine, in turn with two bare servers. The baseline
// stores nothing. The floor has the least work that a server which counts and stores exactly can
// have: it shares one durable write among all requests that wait, and does nothing else.
//
//	usage: bench [-only PART] [-rounds N] [-time D] BINARY
//
// The parts are rates, start, idle and rows. Each part but idle measures every server in each
// round. The report has the medians of the rounds. The benchmark starts all servers itself, and
// each write is on disk before it is answered.
//
// A further part, others, runs only if it is named. It compares the program with servers in Flask,
// Express and plain Go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-redis/redis/v8"

	"simpleapp/internal/testserver"
)

const connections = 64

// parts are what the benchmark measures, in this order.
var parts = []struct {
	name  string
	run   func(b *bench, rounds int) error
	named bool // it runs only if it is named
}{
	{"rates", (*bench).rates, false},
	{"start", (*bench).starts, false},
	{"idle", (*bench).idle, false},
	{"rows", (*bench).rows, false},
	{"others", (*bench).compare, true},
}

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 5, "how often to load each server")
	duration := flag.Duration("time", 5*time.Second, "how long to load each server in a round")
	only := flag.String("only", "", "the only part to run: rates, start, idle, rows or others")
	flag.Parse()
	var err error
	switch {
	case flag.Arg(0) == bareCommand:
		err = serveBare()
	case flag.Arg(0) == plainCommand:
		err = servePlain()
	case flag.NArg() != 1:
		err = errors.New("usage: bench [-only PART] [-rounds N] [-time D] BINARY")
	case *rounds < 1:
		err = fmt.Errorf("-rounds %d: there has to be one at least", *rounds)
	case *duration < time.Second || *duration%time.Second != 0:
		err = fmt.Errorf("-time %v: use whole seconds, because wrk does", *duration)
	default:
		err = run(flag.Arg(0), *only, *rounds, *duration)
	}
	if err != nil {
		log.Fatal("bench: ", err)
	}
}

// A bench has what all parts need, and what they have measured.
type bench struct {
	ctx      context.Context // ends with ctrl-C, and with it wrk and the filling of tables
	binary   string
	dir      string
	script   string // the file of load.lua
	duration time.Duration
	started  time.Time
	runs     int // number of loads and starts so far

	database *testserver.Server
	cache    *redis.Client
	servers  []string // the environment of a program that uses MySQL and Redis
	report   report
	closers  []func() error // end the servers, the last one first
}

func run(binary, only string, rounds int, duration time.Duration) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	b := &bench{ctx: ctx, binary: binary, duration: duration, started: time.Now()}
	defer func() { err = errors.Join(err, b.close(0)) }()
	if err := b.start(); err != nil {
		return err
	}
	ran := false
	for _, part := range parts {
		if only != part.name && (only != "" || part.named) {
			continue
		}
		ran = true
		log.Print(part.name)
		servers := len(b.closers)
		if err := errors.Join(part.run(b, rounds), b.close(servers)); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if !ran {
		return fmt.Errorf("-only %s: there is no such part", only)
	}
	b.report.print(os.Stdout)
	return nil
}

// start starts the database servers.
func (b *bench) start() (err error) {
	if b.dir, err = os.MkdirTemp("", "simpleapp-bench-"); err != nil {
		return err
	}
	b.atEnd(func() error { return os.RemoveAll(b.dir) })
	b.script = filepath.Join(b.dir, "load.lua")
	if err := os.WriteFile(b.script, script, 0o600); err != nil {
		return err
	}
	if b.database, err = testserver.StartMySQL(); err != nil {
		return err
	}
	b.atEnd(b.database.Close)
	cache, err := testserver.StartRedis()
	if err != nil {
		return err
	}
	b.atEnd(cache.Close)
	b.cache = cache.RedisClient()
	b.atEnd(b.cache.Close)
	b.servers = []string{
		"MYSQL_ADDR=" + b.database.Addr, "MYSQL_PASSWORD_FILE=" + b.database.PasswordFile,
		"REDIS_ADDR=" + cache.Addr, "REDIS_PASSWORD_FILE=" + cache.PasswordFile,
		"GOMAXPROCS=1", // as in docker-compose.yml
	}
	return nil
}

// app starts the program with variables of the environment. It ends with the part.
func (b *bench) app(environ ...string) (target, error) {
	if err := b.ctx.Err(); err != nil {
		return target{}, err
	}
	app, err := testserver.StartApp(b.binary, environ...)
	if err != nil {
		return target{}, err
	}
	b.atEnd(app.Stop)
	return target{app.Addr, app.PID}, nil
}

// bare starts a bare server with variables of the environment. It ends with the part.
func (b *bench) bare(a answers, environ ...string) (target, error) {
	server, err := startBare(a, environ...)
	if err != nil {
		return target{}, err
	}
	b.atEnd(server.Close)
	return target{server.addr, server.cmd.Process.Pid}, nil
}

func (b *bench) atEnd(closer func() error) { b.closers = append(b.closers, closer) }

// close calls the closers that came after the first n ones, the last one first.
func (b *bench) close(n int) (err error) {
	for i := len(b.closers) - 1; i >= n; i-- {
		err = errors.Join(err, b.closers[i]())
	}
	b.closers = b.closers[:n]
	return err
}
