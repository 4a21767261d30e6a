package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/go-redis/redis/v8"

	"simpleapp/internal/testserver"
)

// othersDir has the servers in other languages. It is relative to the folder of the module.
const othersDir = "bench/others"

// A site is one of the servers that are compared: the program or another one.
type site struct {
	name string
	target
	visits func() (int64, error) // the number that Redis has
	rows   func() (int64, error) // the number of forms in MySQL; nil if the site has no form

	home, form []result // of each round
}

// An other is a server that is not the program. It has its own key in Redis and its own table.
type other struct {
	id, name string
	form     bool // whether it has a form
	command  []string
}

// compare measures the program in turn with servers that one would write first for the same task.
// All of them use the same database servers. Each is one process, with the settings that its
// documentation recommends. Their pages have one line, while the program's home page is complete.
func (b *bench) compare(rounds int) error {
	root := b.database.Root()
	b.atEnd(root.Close)
	app, err := b.app(b.servers...)
	if err != nil {
		return err
	}
	sites := []*site{{name: "SimpleApp, one thread", target: app,
		visits: countVisits(b.cache, "visits"), rows: countRows(root, "submissions")}}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, o := range []other{
		{"plain", "Go, one thread", true, []string{self, plainCommand}},
		{"express", "Express, one thread", true,
			[]string{"node", filepath.Join(othersDir, "express/server.js")}},
		// The packages of Debian are for the interpreter of Debian. Flask closes each connection
		// after its answer. wrk's latencies do not include the time to open a new one.
		{"flask", "`flask run`, a thread for each request", false, []string{"/usr/bin/python3",
			"-m", "flask", "--app", filepath.Join(othersDir, "hits.py"), "run"}},
	} {
		s, err := b.startOther(o, root)
		if err != nil {
			return err
		}
		sites = append(sites, s)
	}
	for n := range rounds {
		log.Printf("round %d of %d", n+1, rounds)
		for _, s := range sites {
			if err := b.loadSite(s); err != nil {
				return err
			}
		}
	}
	log.Printf("checking the counts: %d requests to each page", askers*requestsEach)
	return printComparison(os.Stdout, sites)
}

// startOther starts a server. If the server has a form, startOther creates its table first.
func (b *bench) startOther(o other, root *sql.DB) (*site, error) {
	key, table := "others:"+o.id, "others_"+o.id
	s := &site{name: o.name, visits: countVisits(b.cache, key)}
	if o.form {
		if _, err := root.Exec(fmt.Sprintf("CREATE TABLE %s LIKE submissions; "+
			"ALTER TABLE %s DROP COLUMN tallied; GRANT INSERT ON %s TO '%s'@'%%'",
			table, table, table, testserver.User)); err != nil {
			return nil, err
		}
		s.rows = countRows(root, table)
	}
	server, err := testserver.StartSite(o.id, func(port string) *exec.Cmd {
		cmd := exec.Command(o.command[0], o.command[1:]...)
		cmd.Env = append([]string{
			"PORT=" + port, "FLASK_RUN_PORT=" + port, "VISITS_KEY=" + key, "TABLE=" + table,
			"MYSQL_USER=" + testserver.User, "MYSQL_DATABASE=" + testserver.Database,
			"NODE_ENV=production",       // as the documentation of Express recommends
			"PYTHONDONTWRITEBYTECODE=1", // writes nothing to the folder of the source
		}, b.servers...)
		return cmd
	})
	if err != nil {
		return nil, err
	}
	b.atEnd(server.Close)
	s.target = target{server.Addr, server.PID()}
	return s, nil
}

func countVisits(cache *redis.Client, key string) func() (int64, error) {
	return func() (int64, error) {
		n, err := cache.Get(context.Background(), key).Int64()
		if errors.Is(err, redis.Nil) {
			return 0, nil
		}
		return n, err
	}
}

func countRows(root *sql.DB, table string) func() (int64, error) {
	return func() (n int64, err error) {
		err = root.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n)
		return n, err
	}
}

// loadSite loads the pages of a site. A failed request does not end the benchmark.
func (b *bench) loadSite(s *site) error {
	home, err := b.load(s.target, "/", connections, false)
	if err != nil {
		return err
	}
	s.home = append(s.home, home)
	log.Printf("  %s: home %.0f/s", s.name, home.rate())
	if s.rows == nil {
		return nil
	}
	form, err := b.load(s.target, "/simpleform", connections, true)
	if err != nil {
		return err
	}
	s.form = append(s.form, form)
	log.Printf("  %s: form %.0f/s", s.name, form.rate())
	return nil
}

// printComparison checks whether the sites count exactly, and prints a table of all sites.
func printComparison(w io.Writer, sites []*site) error {
	fmt.Fprintln(w, "| server, each one process | home/s | 99th percentile "+
		"| form/s | 99th percentile | count exact afterwards |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- |")
	for _, s := range sites {
		exact, err := s.exact()
		if err != nil {
			return fmt.Errorf("check the counts of %s: %w", s.name, err)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n",
			s.name, medianCells(s.home), medianCells(s.form), exact)
	}
	return nil
}

// medianCells returns two cells of the table: the median rate with the sum of the errors, and the
// median of the 99th percentiles.
func medianCells(results []result) string {
	if len(results) == 0 {
		return "– | –"
	}
	var rates, latencies []float64
	failed := 0
	for _, r := range results {
		rates, latencies = append(rates, r.rate()), append(latencies, r.P99/1e3)
		failed += r.Errors
	}
	rate := fmt.Sprintf("%.0f", median(rates))
	if failed > 0 {
		rate += fmt.Sprintf(" (%d errors)", failed)
	}
	return fmt.Sprintf("%s | %.2f ms", rate, median(latencies))
}
