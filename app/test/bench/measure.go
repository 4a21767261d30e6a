package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"simpleapp/internal/testserver"
)

// fill creates a database with the given number of submissions, which the app's user may read. Half
// of them have the same food, and each of the others has a food of its own. They are spread over
// the last thirty days.
func fill(server *testserver.Server, database string, rows int) error {
	root := server.Root()
	defer root.Close()
	const columns = "token, first_name, last_name, favourite_food, country, created_at, tallied"
	statements := []string{
		"CREATE DATABASE " + database,
		"USE " + database,
	}
	for table, rights := range map[string]string{
		"submissions": "SELECT", "tallies": "SELECT", "tally_log": "SELECT, DELETE",
	} {
		statements = append(statements,
			fmt.Sprintf("CREATE TABLE %s LIKE %s.%s", table, testserver.Database, table),
			fmt.Sprintf("GRANT %s ON %s TO '%s'@'%%'", rights, table, testserver.User))
	}
	statements = append(statements, fmt.Sprintf("INSERT INTO submissions (%s) "+
		"SELECT LOWER(LPAD(HEX(seq), 32, '0')), 'Ada', 'Lovelace', "+
		"IF(seq %% 2, 'Pizza', CONCAT('Dish ', seq)), "+
		"ELT(1 + seq %% 5, 'GB', 'SG', 'DE', 'FR', 'US'), "+
		"UTC_TIMESTAMP(3) - INTERVAL FLOOR(43200 * seq / %d) MINUTE, TRUE FROM (%s) AS numbers",
		columns, rows, numbers(rows)))
	for scope, name := range map[string]string{
		"'food'":                                 "LOWER(favourite_food)",
		"CONCAT('food:', LOWER(favourite_food))": "favourite_food",
		"'country'":                              "country",
		"'hour'":                                 "DATE_FORMAT(created_at, '%Y-%m-%d %H:00')",
	} {
		statements = append(statements, fmt.Sprintf("INSERT INTO tallies (scope, name, n) "+
			"SELECT %s AS s, %s AS t, COUNT(*) FROM submissions GROUP BY s, t", scope, name))
	}
	for _, statement := range append(statements, "ANALYZE TABLE submissions, tallies") {
		if _, err := root.Exec(statement); err != nil {
			return fmt.Errorf("fill %s: %.100s: %w", database, statement, err)
		}
	}
	return nil
}

// numbers returns a SELECT of the numbers from 1 to n, as seq.
func numbers(n int) string {
	const digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 " +
		"UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 " +
		"UNION ALL SELECT 8 UNION ALL SELECT 9)"
	sum, from, power := "1", "", 1
	for i := 0; power < n; i++ {
		sum += fmt.Sprintf(" + %d * d%d.d", power, i)
		if i > 0 {
			from += ", "
		}
		from += fmt.Sprintf("%s AS d%d", digits, i)
		power *= 10
	}
	return fmt.Sprintf("SELECT %s AS seq FROM %s LIMIT %d", sum, from, n)
}

// sentCommands adds up the commands in Redis's commandstats that the app sends, and the few INFO
// that the benchmark sends. It leaves out those that only scripts call.
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

// timeStart returns the milliseconds from the start of the program to its first page, on the
// embedded storage.
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
			err = fmt.Errorf("GET / = %d, want 200", resp.StatusCode)
		}
	}
	if stopErr := app.Stop(); err == nil {
		err = stopErr
	}
	return float64(took) / float64(time.Millisecond), err
}

// peakMemory returns the peak of a process's resident memory, in MB.
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
