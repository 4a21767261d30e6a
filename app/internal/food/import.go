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

const (
	// rowsPerStep is how many submissions Import reads and inserts at a time.
	rowsPerStep = 500
	// rowsPerPart is how many submissions Import stores in one transaction. Until a transaction
	// ends, a copy in a group needs some 700 bytes of memory for each of its rows.
	rowsPerPart = 10_000
)

// Imported counts the submissions that Import has read.
type Imported struct {
	Stored  int // new in the table
	Present int // not stored, because the table had their tokens already
}

// Import stores and counts the submissions that next returns, in their order, until next returns
// io.EOF. Up to 10,000 of them are one transaction. More of them are stored in parts of 10,000, if
// all have tokens: with merge, a later Import of the same submissions then goes on where this one
// ended. Import reads each stored submission back and compares it. If Import returns an error, done
// has the parts before, and nothing else is stored, unless the error is database.ErrUnknown.
//
// A submission without a token gets a new one, and a submission without a time gets the time of the
// import.
//
// Without merge, Import returns ErrNotEmpty if the table has submissions. With merge, it skips each
// submission whose token is in the table, and every submission must have a token. Import calls
// progress after each step with the numbers so far.
func (s *Submissions) Import(ctx context.Context, merge bool, next func() (Submission, error),
	progress func(Imported)) (done Imported, err error) {
	i := importer{
		merge: merge, next: next, progress: progress,
		now: time.Now().UTC().Truncate(time.Millisecond), tokens: true,
	}
	for !i.ended {
		err := s.db.Update(ctx, func(tx *sql.Tx) error { return i.part(ctx, tx) })
		if err != nil {
			return done, err
		}
		done = i.done
	}
	return done, nil
}

// An importer has the state of one Import.
type importer struct {
	merge    bool
	next     func() (Submission, error)
	progress func(Imported)
	now      time.Time // of submissions without a time
	tokens   bool      // all submissions so far had one
	done     Imported
	ended    bool // next has returned io.EOF
}

// part stores the submissions of one transaction.
func (i *importer) part(ctx context.Context, tx *sql.Tx) error {
	if !i.merge && i.done == (Imported{}) {
		records, err := query(ctx, tx, "LIMIT 1")
		if err != nil {
			return err
		}
		if len(records) > 0 {
			return ErrNotEmpty
		}
	}
	for size := 0; !i.ended && (size < rowsPerPart || !i.tokens); size += rowsPerStep {
		rows, err := i.read()
		if err != nil {
			return err
		}
		read := len(rows)
		if i.merge {
			rows, err = withoutStored(ctx, tx, rows)
			if err != nil {
				return err
			}
		}
		if err := importRows(ctx, tx, rows); err != nil {
			return err
		}
		i.done.Stored += len(rows)
		i.done.Present += read - len(rows)
		i.progress(i.done)
	}
	return nil
}

// read returns the next rowsPerStep submissions, or fewer at the end.
func (i *importer) read() (rows []Submission, err error) {
	for len(rows) < rowsPerStep {
		row, err := i.next()
		if err == io.EOF {
			i.ended = true
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		if row.Token == "" && i.merge {
			return nil, errors.New("a submission has no token: " +
				"without it, merge can't know whether the submission is stored already")
		}
		if row.Token == "" {
			i.tokens = false
			row.Token = NewToken()
		}
		if row.AddedAt.IsZero() {
			row.AddedAt = i.now
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
