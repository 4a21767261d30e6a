package food

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Record is a stored submission. Later ones have higher ids.
type Record struct {
	ID int64
	Submission
}

// A Page is a stretch of the submissions, newest first.
type Page struct {
	Records []Record
	// Keys of the pages beside this one, for Before and After; 0 where there is none.
	Older, Newer int64
}

// Newest is the key before which the newest submissions are.
const Newest = math.MaxInt64

// Before returns the n newest submissions with ids below key.
func (s *Store) Before(ctx context.Context, key int64, n int) (page Page, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	if page.Records, err = s.query(ctx, "WHERE id < ? ORDER BY id DESC LIMIT ?", key, n+1); err != nil {
		return page, fmt.Errorf("read submissions: %w", err)
	}
	if len(page.Records) > n { // one more than asked for, to know that there is one
		page.Records = page.Records[:n]
		page.Older = page.Records[n-1].ID
	}
	if key != Newest && len(page.Records) > 0 {
		page.Newer = page.Records[0].ID
	}
	return page, nil
}

// After returns the n oldest submissions with ids above key, newest first like every page. Where
// there are fewer than n, it returns the newest page.
func (s *Store) After(ctx context.Context, key int64, n int) (page Page, err error) {
	bounded, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	if page.Records, err = s.query(bounded, "WHERE id > ? ORDER BY id LIMIT ?", key, n+1); err != nil {
		return page, fmt.Errorf("read submissions: %w", err)
	}
	if len(page.Records) <= n {
		return s.Before(ctx, Newest, n)
	}
	page.Records = page.Records[:n]
	slices.Reverse(page.Records)
	page.Newer, page.Older = page.Records[0].ID, page.Records[n-1].ID
	return page, nil
}

// Recent returns the last n submissions, newest first.
func (s *Store) Recent(ctx context.Context, n int) ([]Record, error) {
	page, err := s.Before(ctx, Newest, n)
	return page.Records, err
}

// Each calls do with every submission, oldest first, until it returns an error. It reads in steps,
// by key: memory stays constant, and the database holds nothing open for a slow reader.
func (s *Store) Each(ctx context.Context, do func(Record) error) error {
	for last := int64(0); ; {
		records, err := s.query(ctx, "WHERE id > ? ORDER BY id LIMIT 1000", last)
		if err != nil {
			return fmt.Errorf("read submissions: %w", err)
		}
		if len(records) == 0 {
			return nil
		}
		for _, record := range records {
			if err := do(record); err != nil {
				return err
			}
		}
		last = records[len(records)-1].ID
	}
}

// columns are in the order of insertArgs and of query's Scan.
const columns = "token, first_name, last_name, favourite_food, country, created_at"

func insertSQL(rows int) string {
	const row = "(?, ?, ?, ?, ?, ?, TRUE)"
	return "INSERT INTO submissions (" + columns + ", tallied) VALUES " + row + strings.Repeat(", "+row, rows-1)
}

func insertArgs(rows []Submission) []any {
	args := make([]any, 0, 6*len(rows))
	for _, r := range rows {
		args = append(args, r.Token, r.FirstName, r.LastName, r.FavouriteFood, r.Country, r.AddedAt)
	}
	return args
}

// query returns the submissions that the clauses, a constant, select.
func (s *Store) query(ctx context.Context, clauses string, args ...any) ([]Record, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, "+columns+" FROM submissions "+clauses, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []Record
	for rows.Next() {
		r := Record{Submission: Submission{Pledge: true}}
		if err := rows.Scan(&r.ID, &r.Token, &r.FirstName, &r.LastName, &r.FavouriteFood, &r.Country, &r.AddedAt); err != nil {
			return nil, err
		}
		r.AddedAt = r.AddedAt.UTC()
		records = append(records, r)
	}
	return records, rows.Err()
}
