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

	"simpleapp/food"
	"simpleapp/testserver"
)

const connections = 64

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 5, "how often each server is loaded")
	duration := flag.Duration("time", 5*time.Second, "how long each time")
	flag.Parse()
	var err error
	switch flag.Arg(0) {
	case "":
		err = errors.New("usage: bench [-rounds N] [-time D] BINARY")
	case "yardstick":
		err = serveYardstick(flag.Arg(1))
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

	cache          *redis.Client
	yardstick      *yardstick
	app, embedded  *testserver.App
	small, million *testserver.App // show tables of 1,000 and of 1,000,000 rows
	figures        figures
	closers        []func() error // what ends the servers, in reverse order
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
		"REDIS_ADDR=" + cache.Addr, "REDIS_PASSWORD_FILE=" + cache.PasswordFile}
	for _, p := range []struct {
		app     **testserver.App
		environ []string
	}{
		{&b.app, servers},
		{&b.small, append([]string{"MYSQL_DATABASE=small"}, servers...)},
		{&b.million, append([]string{"MYSQL_DATABASE=million"}, servers...)},
		{&b.embedded, []string{"DATA_DIR=" + filepath.Join(b.dir, "embedded")}},
	} {
		app, err := testserver.StartApp(b.binary, p.environ...)
		if err != nil {
			return err
		}
		*p.app = app
		b.atEnd(app.Stop)
	}
	return b.startYardstick()
}

func (b *bench) atEnd(closer func() error) { b.closers = append(b.closers, closer) }

// startYardstick has the yardstick send what the app sends.
func (b *bench) startYardstick() error {
	get, err := http.NewRequest("GET", "http://"+b.app.Addr+"/", nil)
	if err != nil {
		return err
	}
	home, err := record(get)
	if err != nil {
		return err
	}
	form, err := record(formRequest(b.app.Addr,
		"first_name=Ada&last_name=Lovelace&favourite_food=Pizza&country=GB&pledge=yes&token="+food.NewToken()))
	if err != nil {
		return err
	}
	if home.Status != http.StatusOK || form.Status != http.StatusSeeOther {
		return fmt.Errorf("the app answers %d and %d", home.Status, form.Status)
	}
	if b.yardstick, err = startYardstick(home, form, filepath.Join(b.dir, "durable")); err != nil {
		return err
	}
	b.atEnd(b.yardstick.Close)
	return nil
}

// round loads every server once and notes how they compare.
func (b *bench) round() error {
	commands, err := b.commands()
	if err != nil {
		return err
	}
	loads := []struct {
		addr, path  string
		connections int
		form        bool
		result      result
	}{
		{addr: b.yardstick.addr, path: "/", connections: connections},
		{addr: b.app.Addr, path: "/", connections: connections},
		{addr: b.embedded.Addr, path: "/", connections: connections},
		{addr: b.yardstick.addr, path: "/simpleform", connections: connections, form: true},
		{addr: b.app.Addr, path: "/simpleform", connections: connections, form: true},
		{addr: b.small.Addr, path: "/submissions", connections: 1},
		{addr: b.million.Addr, path: "/submissions", connections: 1},
		{addr: b.small.Addr, path: "/results", connections: 1},
		{addr: b.million.Addr, path: "/results", connections: 1},
		{addr: b.small.Addr, path: "/submissions?before=500", connections: 1},
		{addr: b.million.Addr, path: "/submissions?before=500000", connections: 1},
		{addr: b.yardstick.addr, path: durable + "/", connections: connections},
		{addr: b.yardstick.addr, path: durable + "/simpleform", connections: connections, form: true},
	}
	for i := range loads {
		l := &loads[i]
		if l.result, err = b.wrk(l.addr, l.path, l.connections, l.form, b.duration); err != nil {
			return err
		}
		if i == 1 { // the app's home page: the visits
			after, err := b.commands()
			if err != nil {
				return err
			}
			b.figures.commands = append(b.figures.commands, 1000*float64(after-commands)/float64(l.result.Requests))
		}
	}
	bare, home, embedded, bareForm, form := loads[0].result, loads[1].result, loads[2].result, loads[3].result, loads[4].result
	small, million, smallResults, millionResults := loads[5].result, loads[6].result, loads[7].result, loads[8].result
	smallMiddle, millionMiddle := loads[9].result, loads[10].result
	durableHome, durableForm := loads[11].result, loads[12].result
	start, err := b.timeStart()
	if err != nil {
		return err
	}
	f := &b.figures
	f.home = append(f.home, home.rate()/bare.rate())
	f.form = append(f.form, form.rate()/bareForm.rate())
	f.durableHome = append(f.durableHome, home.rate()/durableHome.rate())
	f.durableForm = append(f.durableForm, form.rate()/durableForm.rate())
	f.homeP99 = append(f.homeP99, home.P99/bare.P99)
	f.formP99 = append(f.formP99, form.P99/bareForm.P99)
	f.million = append(f.million, million.P50/small.P50)
	f.middle = append(f.middle, millionMiddle.P50/smallMiddle.P50)
	f.results = append(f.results, millionResults.P50/smallResults.P50)
	f.embedded = append(f.embedded, embedded.rate()/bare.rate())
	f.start = append(f.start, start)
	log.Printf("  home %.0f/s, embedded %.0f/s, yardstick %.0f/s, with fsync %.0f/s; form %.0f/s, yardstick %.0f/s, with fsync %.0f/s",
		home.rate(), embedded.rate(), bare.rate(), durableHome.rate(), form.rate(), bareForm.rate(), durableForm.rate())
	log.Printf("  99th percentile: home %.2f ms, yardstick %.2f ms; form %.2f ms, yardstick %.2f ms; start %.0f ms",
		home.P99/1e3, bare.P99/1e3, form.P99/1e3, bareForm.P99/1e3, start)
	return nil
}

// commands returns how many commands Redis was sent so far; what scripts call is not sent.
func (b *bench) commands() (int, error) {
	stats, err := b.cache.Info(context.Background(), "commandstats").Result()
	if err != nil {
		return 0, err
	}
	return sentCommands(stats), nil
}
