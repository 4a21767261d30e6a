package food

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"simpleapp/internal/database"
	"simpleapp/internal/tally"
)

// ErrNotEmpty is the error of Import without merge if the table has submissions.
var ErrNotEmpty = errors.New("there are submissions already")

const (
	// RowsPerPart is how many submissions Import stores in one transaction. Until a transaction
	// ends, each member of a group needs some 700 bytes of memory for each of its rows.
	RowsPerPart = 10_000
	// rowsPerStep is how many submissions Import inserts at a time.
	rowsPerStep = 500
)

// Imported counts the submissions of an Import.
type Imported struct {
	Stored  int // new in the table
	Present int // not stored, because the table had their tokens already
}

// Import stores and counts the submissions that next returns, in their order, until next returns
// io.EOF. It stores them in parts of RowsPerPart, and each part is one transaction. Submissions
// without tokens are all one transaction, because a later Import could not skip the stored ones.
// Import reads each stored submission back and compares it. If it returns an error, done counts the
// submissions of the committed parts. Nothing else is stored, unless the error wraps
// database.ErrUnknown: then the part after them may be stored, too.
//
// Either all submissions have tokens, or none has one. If none has one, Import gives each a new
// token. A submission without a time gets the time of the import.
//
// Without merge, Import returns ErrNotEmpty if the table has submissions. With merge, it skips each
// submission whose token is in the table, and every submission must have a token. Import calls
// progress after each step with the numbers so far.
func (s *Submissions) Import(ctx context.Context, merge bool, next func() (Submission, error),
	progress func(Imported)) (done Imported, err error) {
	i := importer{
		merge: merge, next: next, progress: progress,
		now: time.Now().UTC().Truncate(time.Millisecond),
	}
	for !i.ended {
		// A transaction holds locks, and next may wait. So the part is read before the transaction
		// begins. Without tokens there is only one transaction, and the further parts are read
		// during it.
		rows, err := i.read()
		if err != nil {
			return done, err
		}
		err = s.db.Update(ctx, func(tx *sql.Tx) error {
			for {
				if err := i.store(ctx, tx, rows); err != nil || i.ended || i.tokens {
					return err
				}
				if rows, err = i.read(); err != nil {
					return err
				}
			}
		})
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
	begun    bool      // next has returned a submission
	tokens   bool      // the first submission has a token
	ended    bool      // next has returned io.EOF
	done     Imported
}

// read returns the next RowsPerPart submissions, or fewer at the end.
func (i *importer) read() (rows []Submission, err error) {
	for len(rows) < RowsPerPart {
		row, err := i.next()
		if err == io.EOF {
			i.ended = true
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		if !i.begun {
			i.begun, i.tokens = true, row.Token != ""
		}
		switch {
		case row.Token == "" && i.merge:
			return nil, errors.New("a submission has no token: " +
				"without it, merge can't know whether the submission is stored already")
		case (row.Token != "") != i.tokens:
			return nil, errors.New("some submissions have tokens, and some have none")
		case row.Token == "":
			row.Token = NewToken()
		}
		if row.AddedAt.IsZero() {
			row.AddedAt = i.now
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// store stores rows in a transaction.
func (i *importer) store(ctx context.Context, tx *sql.Tx, rows []Submission) error {
	if !i.merge && i.done == (Imported{}) {
		records, err := query(ctx, tx, "LIMIT 1")
		if err != nil {
			return err
		}
		if len(records) > 0 {
			return ErrNotEmpty
		}
	}
	for step := range slices.Chunk(rows, rowsPerStep) {
		added := step
		if i.merge {
			var err error
			added, err = withoutStored(ctx, tx, step)
			if err != nil {
				return err
			}
		}
		if err := importRows(ctx, tx, added); err != nil {
			return err
		}
		i.done.Stored += len(added)
		i.done.Present += len(step) - len(added)
		i.progress(i.done)
	}
	return nil
}

// withoutStored returns the rows whose tokens are not in the table. If several rows have the same
// token, it returns the first of them.
func withoutStored(ctx context.Context, in querier, rows []Submission) (
	notStored []Submission, err error) {
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
