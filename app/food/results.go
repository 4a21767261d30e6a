package food

import (
	"context"
	"fmt"
	"time"
)

const (
	topNames   = 10 // foods and countries in the results
	resultDays = 30
)

// Results are what the submissions come to.
type Results struct {
	Foods, Countries []Count // the most frequent, ten at most
	Days             []Day   // the last thirty and no other, in their order; the last is today
}

// A Count is how many submissions named a thing.
type Count struct {
	Name string
	N    int64
}

// A Day is how many submissions came on a day.
type Day struct {
	Date time.Time // when it began
	N    int64
}

// Results returns the results, with the days of a time zone. What was stored before is in them, but for
// what another instance is adding at this moment. Their cost does not depend on how many submissions
// there are, or foods.
func (s *Store) Results(ctx context.Context, zone *time.Location) (r Results, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	s.foldFirst(ctx)
	// Foods of equal number come in the order of their keys, spellings in that of their bytes.
	r.Foods, err = s.counts(ctx, `SELECT (SELECT spelling.name FROM tallies AS spelling WHERE spelling.scope = CONCAT('`+foodScope+`', food.name)
			ORDER BY spelling.n DESC, spelling.name LIMIT 1), food.n
		FROM tallies AS food WHERE food.scope = 'food' ORDER BY food.n DESC, food.name LIMIT ?`, topNames)
	if err != nil {
		return r, fmt.Errorf("read foods: %w", err)
	}
	r.Countries, err = s.counts(ctx, "SELECT name, n FROM tallies WHERE scope = 'country' ORDER BY n DESC, name LIMIT ?", topNames)
	if err != nil {
		return r, fmt.Errorf("read countries: %w", err)
	}
	for i, c := range r.Countries {
		r.Countries[i].Name = CountryName(c.Name)
	}
	if r.Days, err = s.days(ctx, zone); err != nil {
		return r, fmt.Errorf("read days: %w", err)
	}
	return r, nil
}

// foldFirst has the visitor who just submitted find it counted. Should that take long, older results are
// better than none; foldAtTimes tells the operator.
func (s *Store) foldFirst(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTime/3)
	defer cancel()
	s.fold(ctx)
}

// counts returns what a query of names and numbers does.
func (s *Store) counts(ctx context.Context, query string, args ...any) (all []Count, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
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

// days adds up the quarters of an hour of each of the last days in a zone.
func (s *Store) days(ctx context.Context, zone *time.Location) ([]Day, error) {
	now := time.Now().In(zone)
	days := make([]Day, resultDays)
	for i := range days {
		days[i].Date = time.Date(now.Year(), now.Month(), now.Day()+i-(resultDays-1), 0, 0, 0, 0, zone)
	}
	quarters, err := s.counts(ctx, "SELECT name, n FROM tallies WHERE scope = 'time' AND name >= ? ORDER BY name", quarter(days[0].Date))
	if err != nil {
		return nil, err
	}
	day := 0
	for _, q := range quarters {
		begin, err := time.Parse(quarterForm, q.Name)
		if err != nil {
			return nil, err
		}
		for day < resultDays-1 && !begin.Before(days[day+1].Date) {
			day++
		}
		days[day].N += q.N
	}
	return days, nil
}
