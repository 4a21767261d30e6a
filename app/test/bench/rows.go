package main

import (
	"fmt"
	"log"
	"strings"

	"simpleapp/internal/testserver"
)

// rows measures how the time of a page grows with the table.
func (b *bench) rows(rounds int) error {
	pages := []struct{ name, path string }{
		{"`/submissions`", "/submissions"},
		{"a page in the middle of `/submissions`", "/submissions?before=%d"},
		{"`/results`", "/results"},
	}
	tables := []struct {
		name string // in the report
		rows int
		app  target
	}{{"1,000", 1000, target{}}, {"1,000,000", 1_000_000, target{}},
		{"10,000,000", 10_000_000, target{}}}
	for i := range tables {
		t := &tables[i]
		log.Printf("filling a table with %s rows", t.name)
		database := fmt.Sprintf("rows%d", t.rows)
		if err := b.fill(database, t.rows); err != nil {
			return err
		}
		var err error
		if t.app, err = b.app(append(b.servers, "MYSQL_DATABASE="+database)...); err != nil {
			return err
		}
	}
	for n := range rounds {
		log.Printf("round %d of %d", n+1, rounds)
		for _, page := range pages {
			var small result
			for _, t := range tables {
				path := page.path
				if strings.Contains(path, "%d") {
					path = fmt.Sprintf(path, t.rows/2)
				}
				measured, err := b.wrk(t.app, path, 1, false)
				switch {
				case err != nil:
					return err
				case t.rows == 1000:
					small = measured
				default:
					b.report.add(page.name+" at "+t.name+" rows, time against 1,000 rows",
						"≤ 1.1", "%.2f", measured.P50/small.P50)
				}
			}
		}
	}
	return nil
}

// fill creates a database with the given number of submissions, which the app's user may read. Half
// of them have the same food, and each of the others has a food of its own. They are spread over
// the last thirty days.
func (b *bench) fill(database string, rows int) error {
	root := b.database.Root()
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
		if _, err := root.ExecContext(b.ctx, statement); err != nil {
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
