// Command bench measures the program on this machine, in turn with two bare servers. The baseline
// stores nothing. The floor has the least work that a server which counts and stores exactly can
// have: it shares one durable write among all requests that wait, and does nothing else.
//
//	usage: bench [-rounds N] [-time D] BINARY
//
// Each round loads every server once. The report has the medians of the rounds. The benchmark
// starts all servers itself, and each write is on disk before it is answered.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-redis/redis/v8"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

const connections = 64

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 5, "how often to load each server")
	duration := flag.Duration("time", 5*time.Second, "how long to load each server in a round")
	flag.Parse()
	var err error
	switch {
	case flag.Arg(0) == bareCommand:
		err = serveBare()
	case flag.NArg() != 1:
		err = errors.New("usage: bench [-rounds N] [-time D] BINARY")
	case *rounds < 1:
		err = fmt.Errorf("-rounds %d: there has to be one at least", *rounds)
	case *duration < time.Second || *duration%time.Second != 0:
		err = fmt.Errorf("-time %v: use whole seconds, because wrk does", *duration)
	default:
		err = run(flag.Arg(0), *rounds, *duration)
	}
	if err != nil {
		log.Fatal("bench: ", err)
	}
}

// A bench has the servers that it measures, and what it has measured.
type bench struct {
	binary   string
	dir      string
	script   string // the file of load.lua
	duration time.Duration
	started  time.Time
	runs     int // number of runs of wrk and of timeStart so far

	cache                *redis.Client
	baseline             *bareServer
	floor, floorEmbedded *bareServer
	app, embedded        *testserver.App
	small, million       *testserver.App // have tables of 1,000 and of 1,000,000 rows
	report               *report
	closers              []func() error // end the servers, the last one first
}

func run(binary string, rounds int, duration time.Duration) (err error) {
	b := &bench{binary: binary, duration: duration, started: time.Now(), report: newReport()}
	defer func() {
		for i := range b.closers {
			err = errors.Join(err, b.closers[len(b.closers)-1-i]())
		}
	}()
	if err := b.start(); err != nil {
		return err
	}
	for n := range rounds {
		log.Printf("round %d of %d", n+1, rounds)
		if err := b.round(); err != nil {
			return err
		}
	}
	memory, err := peakMemory(b.app.PID)
	if err != nil {
		return err
	}
	b.report.memory.add(memory)
	b.report.print(os.Stdout)
	return nil
}

// start starts the database servers, the apps and the bare servers.
func (b *bench) start() (err error) {
	if b.dir, err = os.MkdirTemp("", "simpleapp-bench-"); err != nil {
		return err
	}
	b.atEnd(func() error { return os.RemoveAll(b.dir) })
	b.script = filepath.Join(b.dir, "load.lua")
	if err := os.WriteFile(b.script, script, 0o600); err != nil {
		return err
	}
	database, err := testserver.StartMySQL()
	if err != nil {
		return err
	}
	b.atEnd(database.Close)
	cache, err := testserver.StartRedis()
	if err != nil {
		return err
	}
	b.atEnd(cache.Close)
	b.cache = cache.RedisClient()
	b.atEnd(b.cache.Close)
	log.Print("filling the tables")
	for name, rows := range map[string]int{"small": 1000, "million": 1_000_000} {
		if err := fill(database, name, rows); err != nil {
			return err
		}
	}
	servers := []string{
		"MYSQL_ADDR=" + database.Addr, "MYSQL_PASSWORD_FILE=" + database.PasswordFile,
		"REDIS_ADDR=" + cache.Addr, "REDIS_PASSWORD_FILE=" + cache.PasswordFile,
		"GOMAXPROCS=1", // as in docker-compose.yml
	}
	// The embedded storage has Go's default: an fsync would block its only thread (0.48, not 0.60,
	// of the baseline's rate).
	embedded := "DATA_DIR=" + filepath.Join(b.dir, "embedded")
	for _, p := range []struct {
		app     **testserver.App
		environ []string
	}{
		{&b.app, servers},
		{&b.small, append([]string{"MYSQL_DATABASE=small"}, servers...)},
		{&b.million, append([]string{"MYSQL_DATABASE=million"}, servers...)},
		{&b.embedded, []string{embedded}},
	} {
		app, err := testserver.StartApp(b.binary, p.environ...)
		if err != nil {
			return err
		}
		*p.app = app
		b.atEnd(app.Stop)
	}
	home, form, err := b.answers()
	if err != nil {
		return err
	}
	for _, p := range []struct {
		server  **bareServer
		environ []string
	}{
		{&b.baseline, nil},
		{&b.floor, servers},
		{&b.floorEmbedded, []string{embedded}},
	} {
		server, err := startBare(home, form, p.environ...)
		if err != nil {
			return err
		}
		*p.server = server
		b.atEnd(server.Close)
	}
	return nil
}

func (b *bench) atEnd(closer func() error) { b.closers = append(b.closers, closer) }

// answers returns the answers of the app that the bare servers repeat.
func (b *bench) answers() (home, form answer, err error) {
	site := "http://" + b.app.Addr
	get, err := http.NewRequest(http.MethodGet, site+"/", nil)
	if err != nil {
		return home, form, err
	}
	body := strings.NewReader(testsite.Form().Encode())
	post, err := http.NewRequest(http.MethodPost, site+"/simpleform", body)
	if err != nil {
		return home, form, err
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Header.Set("Origin", site)
	if home, err = record(get); err != nil {
		return home, form, err
	}
	if form, err = record(post); err != nil {
		return home, form, err
	}
	if home.Status != http.StatusOK || form.Status != http.StatusSeeOther {
		err = fmt.Errorf("GET / = %d, POST /simpleform = %d, want 200 and 303",
			home.Status, form.Status)
	}
	return home, form, err
}

// commands returns how many commands Redis has received so far, of the kinds that the program
// sends. Calls that scripts make do not count.
func (b *bench) commands() (int, error) {
	stats, err := b.cache.Info(context.Background(), "commandstats").Result()
	if err != nil {
		return 0, err
	}
	return sentCommands(stats), nil
}
