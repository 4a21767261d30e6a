package food

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"

	"simpleapp/internal/database"
)

// A Record is a stored submission. Ids grow about in the order of storing, and pages sort by them.
type Record struct {
	ID int64
	Submission
}

// A Page is a part of the list of all submissions, newest first.
type Page struct {
	Records []Record
	First   bool // no record is newer than those of the page
	// Older is the key with which Before returns the next page, or 0 on the last page. Newer is the
	// key with which After returns the previous page, or 0 on the first page.
	Older, Newer int64
}

// Newest is the key with which Before returns the newest submissions.
const Newest int64 = math.MaxInt64

// Before returns the n newest submissions with ids below key.
func (s *Submissions) Before(ctx context.Context, key int64, n int) (page Page, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	// The record after the last one shows whether there is an older page.
	page.Records, err = query(ctx, s.db, "WHERE id < ? ORDER BY id DESC LIMIT ?", key, n+1)
	if err != nil {
		return page, fmt.Errorf("read submissions: %w", err)
	}
	if len(page.Records) > n {
		page.Records = page.Records[:n]
		page.Older = page.Records[n-1].ID
	}
	page.First = key == Newest
	if !page.First {
		newer, err := query(ctx, s.db, "WHERE id >= ? LIMIT 1", key)
		if err != nil {
			return page, fmt.Errorf("read submissions: %w", err)
		}
		page.First = len(newer) == 0
	}
	if !page.First && len(page.Records) > 0 {
		page.Newer = page.Records[0].ID
	}
	return page, nil
}

// After returns the n oldest submissions with ids above key, in the order of every page: newest
// first. If there are n or fewer, it returns the n newest submissions.
func (s *Submissions) After(ctx context.Context, key int64, n int) (page Page, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	page.Records, err = query(ctx, s.db, "WHERE id > ? ORDER BY id LIMIT ?", key, n+1)
	if err != nil {
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

// Recent returns the n newest submissions, newest first.
func (s *Submissions) Recent(ctx context.Context, n int) ([]Record, error) {
	page, err := s.Before(ctx, Newest, n)
	return page.Records, err
}

// Each calls do with every submission that was stored before the call, oldest first. It stops at
// the first error and returns it. It reads 1000 submissions at a time, so that memory stays
// constant and no query or transaction stays open while do is slow.
func (s *Submissions) Each(ctx context.Context, do func(Record) error) error {
	for last := int64(0); ; {
		records, err := query(ctx, s.db, "WHERE id > ? ORDER BY id LIMIT 1000", last)
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

// columns lists the columns of a Submission. values has the same order.
var columns = func() string {
	columns := "token"
	for _, field := range TextFields {
		columns += ", " + field.Name
	}
	return columns + ", country, created_at"
}()

// values returns pointers to the values of the columns.
func (s *Submission) values() []any {
	values := []any{&s.Token}
	for _, field := range TextFields {
		values = append(values, field.of(s))
	}
	return append(values, &s.Country, &s.AddedAt)
}

// insertStatement returns the statement that stores rows. The rows are marked as counted.
func insertStatement(rows []Submission) database.Statement {
	var args []any
	for i := range rows {
		args = append(args, rows[i].values()...)
		args = append(args, true)
	}
	return database.Statement{
		SQL: "INSERT INTO submissions (" + columns + ", tallied) VALUES " +
			database.Values(len(rows), len(args)/len(rows)),
		Args: args,
	}
}

// A querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// query returns the submissions that the clauses of a SELECT select. Only the number of
// placeholders in the clauses may vary: texts of visitors are arguments.
func query(ctx context.Context, in querier, clauses string, args ...any) ([]Record, error) {
	rows, err := in.QueryContext(ctx, "SELECT id, "+columns+" FROM submissions "+clauses, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []Record
	for rows.Next() {
		r := Record{Submission: Submission{Pledge: true}}
		if err := rows.Scan(append([]any{&r.ID}, r.values()...)...); err != nil {
			return nil, err
		}
		r.AddedAt = r.AddedAt.UTC()
		records = append(records, r)
	}
	return records, rows.Err()
}

// storedByToken returns the submissions in the table that have the tokens of rows. The keys of the
// map are the tokens.
func storedByToken(
	ctx context.Context, in querier, rows []Submission,
) (map[string]Submission, error) {
	tokens := make([]any, len(rows))
	for i, row := range rows {
		tokens[i] = row.Token
	}
	where := "WHERE token IN (" + database.Placeholders(len(rows)) + ")"
	records, err := query(ctx, in, where, tokens...)
	if err != nil {
		return nil, err
	}
	stored := make(map[string]Submission, len(records))
	for _, record := range records {
		stored[record.Token] = record.Submission
	}
	return stored, nil
}
