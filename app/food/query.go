package food

import (
	"context"
	"fmt"
	"strings"
)

// A Record is a stored submission. Later ones have higher ids.
type Record struct {
	ID int64
	Submission
}

// Recent returns the last n submissions, newest first.
func (s *Store) Recent(ctx context.Context, n int) ([]Record, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	records, err := s.query(ctx, "ORDER BY id DESC LIMIT ?", n)
	if err != nil {
		return nil, fmt.Errorf("read recent submissions: %w", err)
	}
	return records, nil
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
	const row = "(?, ?, ?, ?, ?, ?)"
	return "INSERT INTO submissions (" + columns + ") VALUES " + row + strings.Repeat(", "+row, rows-1)
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
