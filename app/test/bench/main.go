// Command bench measures the program against a server that stores nothing, in turn, on this machine.
//
//	usage: bench [-rounds N] [-time D] BINARY
//
// Each round loads every server once; what is printed are the medians of the rounds. All servers
// are processes of the benchmark's own, with every write on disk before it is answered.
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
	"time"

	"github.com/go-redis/redis/v8"

	"simpleapp/internal/food"
	"simpleapp/internal/testserver"
)

const connections = 64

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 5, "how often each server is loaded")
	duration := flag.Duration("time", 5*time.Second, "how long each time")
	flag.Parse()
	var err error
	switch {
	case flag.Arg(0) == "yardstick":
		err = serveYardstick()
	case flag.NArg() != 1:
		err = errors.New("usage: bench [-rounds N] [-time D] BINARY")
	case *duration < time.Second || *duration%time.Second != 0:
		err = fmt.Errorf("-time %v: wrk takes whole seconds", *duration)
	default:
		err = run(flag.Arg(0), *rounds, *duration)
	}
	if err != nil {
		log.Fatal("bench: ", err)
	}
}

// A bench is all that runs while it measures.
type bench struct {
	binary   string
	dir      string
	script   string // load.lua, as a file for wrk
	duration time.Duration
	started  time.Time
	runs     int // of wrk, so far

	cache                *redis.Client
	yardstick            *yardstick // stores nothing
	least, leastEmbedded *yardstick // do the least to store as the app and the embedded one do
	app, embedded        *testserver.App
	small, million       *testserver.App // show tables of 1,000 and of 1,000,000 rows
	figures              figures
	closers              []func() error // what ends the servers, in reverse order
}

func run(binary string, rounds int, duration time.Duration) (err error) {
	b := &bench{binary: binary, duration: duration, started: time.Now()}
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
	b.figures.memory = append(b.figures.memory, memory)
	b.figures.print(os.Stdout)
	return nil
}

// start starts the servers, the apps and the yardstick.
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
	servers := []string{"MYSQL_ADDR=" + database.Addr, "MYSQL_PASSWORD_FILE=" + database.PasswordFile,
		"REDIS_ADDR=" + cache.Addr, "REDIS_PASSWORD_FILE=" + cache.PasswordFile,
		"GOMAXPROCS=1", "GOMEMLIMIT=96MiB"} // as in docker-compose.yml
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
		yardstick **yardstick
		environ   []string
	}{
		{&b.yardstick, nil},
		{&b.least, servers},
		{&b.leastEmbedded, []string{embedded}},
	} {
		y, err := startYardstick(home, form, p.environ...)
		if err != nil {
			return err
		}
		*p.yardstick = y
		b.atEnd(y.Close)
	}
	return nil
}

func (b *bench) atEnd(closer func() error) { b.closers = append(b.closers, closer) }

// answers are what the app sends, and so the yardsticks are to.
func (b *bench) answers() (home, form answer, err error) {
	get, err := http.NewRequest("GET", "http://"+b.app.Addr+"/", nil)
	if err != nil {
		return home, form, err
	}
	if home, err = record(get); err != nil {
		return home, form, err
	}
	form, err = record(formRequest(b.app.Addr,
		"first_name=Ada&last_name=Lovelace&favourite_food=Pizza&country=GB&pledge=yes&token="+food.NewToken()))
	if err == nil && (home.Status != http.StatusOK || form.Status != http.StatusSeeOther) {
		err = fmt.Errorf("the app answers %d and %d", home.Status, form.Status)
	}
	return home, form, err
}

// commands returns how many commands Redis was sent so far; what scripts call is not sent.
func (b *bench) commands() (int, error) {
	stats, err := b.cache.Info(context.Background(), "commandstats").Result()
	if err != nil {
		return 0, err
	}
	return sentCommands(stats), nil
}
