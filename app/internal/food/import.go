package food

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"simpleapp/internal/database"
	"simpleapp/internal/tally"
)

// ErrNotEmpty is the error of Import without merge if the table has submissions.
var ErrNotEmpty = errors.New("there are submissions already")

// rowsPerStep is how many submissions Import reads and stores at a time.
const rowsPerStep = 500

// Imported counts the submissions that Import has read.
type Imported struct {
	Stored  int // new in the table
	Present int // not stored, because the table had their tokens already
}

// Import stores and counts the submissions that next returns, in their order, until next returns
// io.EOF. All of them are one transaction: if Import returns an error, nothing is stored, unless
// the error is database.ErrUnknown. Import reads each stored submission back and compares it. A
// submission without a token gets a new one, and a submission without a time gets the time of the
// import.
//
// Without merge, Import returns ErrNotEmpty if the table has submissions. With merge, it skips each
// submission whose token is in the table, and every submission must have a token. Import calls
// progress after each step with the numbers so far.
func (s *Submissions) Import(ctx context.Context, merge bool, next func() (Submission, error),
	progress func(Imported)) (done Imported, err error) {
	err = s.db.Update(ctx, func(tx *sql.Tx) error {
		if !merge {
			records, err := query(ctx, tx, "LIMIT 1")
			if err != nil {
				return err
			}
			if len(records) > 0 {
				return ErrNotEmpty
			}
		}
		now := time.Now().UTC().Truncate(time.Millisecond)
		for {
			rows, err := readRows(next, merge, now)
			if err != nil {
				return err
			}
			read := len(rows)
			if merge {
				rows, err = withoutStored(ctx, tx, rows)
				if err != nil {
					return err
				}
			}
			if err := importRows(ctx, tx, rows); err != nil {
				return err
			}
			done.Stored += len(rows)
			done.Present += read - len(rows)
			progress(done)
			if read < rowsPerStep {
				return nil
			}
		}
	})
	if err != nil {
		return Imported{}, err
	}
	return done, nil
}

// readRows returns the next rowsPerStep submissions, or fewer at the end.
func readRows(next func() (Submission, error), needsTokens bool, now time.Time) (
	rows []Submission, err error) {
	for len(rows) < rowsPerStep {
		row, err := next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		if row.Token == "" && needsTokens {
			return nil, errors.New("a submission has no token: " +
				"without it, merge can't know whether the submission is stored already")
		}
		if row.Token == "" {
			row.Token = NewToken()
		}
		if row.AddedAt.IsZero() {
			row.AddedAt = now
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// withoutStored returns the rows whose tokens are not in the table. If several rows have the same
// token, it returns the first of them.
func withoutStored(ctx context.Context, in querier, rows []Submission) (
	notStored []Submission, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	seen, err := storedByToken(ctx, in, rows)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if _, found := seen[row.Token]; !found {
			seen[row.Token] = row
			notStored = append(notStored, row)
		}
	}
	return notStored, nil
}

// importRows stores and counts rows, reads them back and compares them.
func importRows(ctx context.Context, tx *sql.Tx, rows []Submission) error {
	if len(rows) == 0 {
		return nil
	}
	for _, statement := range []database.Statement{insertStatement(rows), tally.Log(items(rows))} {
		if _, err := tx.ExecContext(ctx, statement.SQL, statement.Args...); err != nil {
			return err
		}
	}
	stored, err := storedByToken(ctx, tx, rows)
	if err != nil {
		return err
	}
	for _, row := range rows {
		found := stored[row.Token]
		if !found.SameAnswers(row) || !found.AddedAt.Equal(row.AddedAt) {
			return fmt.Errorf("the database stored %+v as %+v", row, found)
		}
	}
	return nil
}
