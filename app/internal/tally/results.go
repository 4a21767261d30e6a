package tally

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// TopNames is how many foods, and how many countries, the results have at most.
const TopNames = 10

const (
	resultDays = 30
	readTime   = 3 * time.Second // timeout of Results
)

// Results are the figures of the results page.
type Results struct {
	Foods     []Count // the TopNames most frequent, each with its most frequent spelling
	Countries []Count // the TopNames most frequent, with their codes
	Days      []Day   // the last thirty, oldest first; the last one is today
}

// A Count is the number of submissions with a food or a country.
type Count struct {
	Name string
	N    int64
}

// A Day is the number of submissions on a day.
type Day struct {
	Date time.Time // the beginning of the day in its zone: see dayBounds
	N    int64
}

// Results returns the results, with the days of a time zone. They include every submission that was
// stored before the call, except those that another replica is folding, and those that are still
// in the log because folding failed or took longer than a second. The cost of Results does not
// depend on the number of submissions or foods.
func (t *Tally) Results(ctx context.Context, zone *time.Location) (r Results, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	t.foldFirst(ctx)
	// Foods with equal numbers are in the order of their keys. The order of spellings with equal
	// numbers is that of their bytes.
	r.Foods, err = t.selectCounts(ctx, `SELECT (SELECT spelling.name FROM tallies AS spelling
			WHERE spelling.scope = CONCAT('`+foodScope+`', food.name)
			ORDER BY spelling.n DESC, spelling.name LIMIT 1), food.n
		FROM tallies AS food WHERE food.scope = 'food'
		ORDER BY food.n DESC, food.name LIMIT ?`, TopNames)
	if err != nil {
		return r, fmt.Errorf("read foods: %w", err)
	}
	r.Countries, err = t.selectCounts(ctx, `SELECT name, n FROM tallies WHERE scope = 'country'
		ORDER BY n DESC, name LIMIT ?`, TopNames)
	if err != nil {
		return r, fmt.Errorf("read countries: %w", err)
	}
	if r.Days, err = t.days(ctx, time.Now(), zone); err != nil {
		return r, fmt.Errorf("read days: %w", err)
	}
	return r, nil
}

// foldFirst folds the log, so that visitors who have just submitted the form are counted. If
// folding takes too long, the results are older. foldFirst drops the error, because foldEverySecond
// logs the errors of folding. A visitor who leaves does not end the fold, because others may be
// waiting for it.
func (t *Tally) foldFirst(ctx context.Context) {
	// A timer cancels the fold, because the package database treats a deadline that ends
	// during a statement as the sign of a dead server, and then gives up all connections.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer time.AfterFunc(readTime/3, cancel).Stop()
	t.Fold(ctx)
}

// selectCounts returns the names and numbers that a query selects.
func (t *Tally) selectCounts(
	ctx context.Context, query string, args ...any,
) (all []Count, err error) {
	rows, err := t.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Name, &c.N); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// days returns the numbers of the last days in a zone, up to now. It sums the hours of each day if
// the days begin on the hour in UTC, as in most zones. Otherwise it sums the quarters of an hour,
// which are four times as many.
func (t *Tally) days(ctx context.Context, now time.Time, zone *time.Location) ([]Day, error) {
	bounds := dayBounds(now, resultDays, zone)
	scope := "hour"
	for _, bound := range bounds {
		if bound.UTC().Minute() != 0 {
			scope = "quarter"
		}
	}
	days := make([]Day, resultDays)
	var queries []string
	var args []any
	for day := range days {
		days[day].Date = bounds[day]
		queries = append(queries, "SELECT ?, COALESCE(SUM(n), 0) FROM tallies "+
			"WHERE scope = ? AND name >= ? AND name < ?")
		args = append(args, day, scope,
			bounds[day].UTC().Format(timeForm), bounds[day+1].UTC().Format(timeForm))
	}
	sums, err := t.selectCounts(ctx, strings.Join(queries, " UNION ALL "), args...)
	if err != nil {
		return nil, err
	}
	for _, sum := range sums {
		day, err := strconv.Atoi(sum.Name)
		if err != nil {
			return nil, err
		}
		days[day].N = sum.N
	}
	return days, nil
}
