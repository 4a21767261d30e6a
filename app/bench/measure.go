package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"simpleapp/testserver"
)

// fill makes a database of that name with so many submissions, for the app's user to read.
func fill(server *testserver.Server, database string, rows int) error {
	root := server.Root()
	defer root.Close()
	statements := []string{
		"CREATE DATABASE " + database,
		"CREATE TABLE " + database + ".submissions LIKE " + testserver.Database + ".submissions",
		"GRANT SELECT ON " + database + ".submissions TO '" + testserver.User + "'@'%'",
		"USE " + database,
		"INSERT INTO submissions (token, first_name, last_name, favourite_food, country, created_at) " +
			"VALUES (MD5(UUID()), 'Ada', 'Lovelace', 'Pizza', 'GB', UTC_TIMESTAMP(3))",
	}
	for n := 1; n < rows; n *= 2 {
		statements = append(statements, "INSERT INTO submissions (token, first_name, last_name, favourite_food, country, created_at) "+
			fmt.Sprintf("SELECT MD5(CONCAT(token, %d)), first_name, last_name, favourite_food, country, created_at FROM submissions LIMIT %d",
				n, min(n, rows-n)))
	}
	for _, statement := range statements {
		if _, err := root.Exec(statement); err != nil {
			return fmt.Errorf("fill %s: %w", database, err)
		}
	}
	return nil
}

// sentCommands adds up the calls in Redis's commandstats, without those that scripts made.
func sentCommands(stats string) int {
	var sum int
	for line := range strings.Lines(stats) {
		name, fields, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		switch name {
		case "evalsha", "eval", "ping", "auth", "hello", "info":
			calls, _, _ := strings.Cut(fields, ",")
			n, _ := strconv.Atoi(calls)
			sum += n
		}
	}
	return sum
}

// timeStart returns the milliseconds from the start of the program, embedded, to its first page.
func (b *bench) timeStart() (float64, error) {
	b.runs++
	dir := filepath.Join(b.dir, "start-"+strconv.Itoa(b.runs))
	start := time.Now()
	app, err := testserver.StartApp(b.binary, "DATA_DIR="+dir)
	if err != nil {
		return 0, err
	}
	resp, err := http.Get("http://" + app.Addr + "/")
	took := time.Since(start)
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("first page: %s", resp.Status)
		}
	}
	if stopErr := app.Stop(); err == nil {
		err = stopErr
	}
	return float64(took) / float64(time.Millisecond), err
}

// peakMemory returns the most memory that a process had resident so far, in MB.
func peakMemory(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kb, err := strconv.Atoi(strings.Fields(value)[0])
			return float64(kb) / 1000, err
		}
	}
	return 0, fmt.Errorf("no VmHWM for process %d", pid)
}
