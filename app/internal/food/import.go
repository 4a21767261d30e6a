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

// ErrNotEmpty says that Import was to import into an empty table, and it has submissions.
var ErrNotEmpty = errors.New("there are submissions already")

// rowsPerImport is how many submissions Import keeps in memory.
const rowsPerImport = 500

// Imported is what Import did.
type Imported struct {
	Stored  int // submissions that it stored
	Present int // submissions whose tokens were there
}

// Import stores the submissions that next returns until io.EOF, and counts them. They are stored in their
// order, and all in one transaction: after an error none is. Import reads each back and compares it.
// A submission without a token gets one, and one without a time gets that of the import.
//
// The table must be empty, or Import returns ErrNotEmpty. With merge it may have submissions: those whose
// tokens are there are left as they are, and every submission needs a token. Import calls progress after
// each step with what it did so far.
func (s *Submissions) Import(ctx context.Context, merge bool, next func() (Submission, error),
	progress func(Imported)) (done Imported, err error) {
	err = s.db.Update(ctx, func(tx *sql.Tx) error {
		if !merge {
			any, err := query(ctx, tx, "LIMIT 1")
			if err != nil {
				return err
			}
			if len(any) > 0 {
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
				if rows, err = absent(ctx, tx, rows); err != nil {
					return err
				}
			}
			if err := importRows(ctx, tx, rows); err != nil {
				return err
			}
			done.Stored += len(rows)
			done.Present += read - len(rows)
			progress(done)
			if read < rowsPerImport {
				return nil
			}
		}
	})
	if err != nil {
		return Imported{}, err
	}
	return done, nil
}

// readRows returns the next submissions, fewer than rowsPerImport at the end.
func readRows(next func() (Submission, error), needsTokens bool, now time.Time) (rows []Submission, err error) {
	for len(rows) < rowsPerImport {
		row, err := next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		if row.Token == "" && needsTokens {
			return nil, errors.New("a submission has no token, which tells whether it is there already")
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

// absent returns the rows whose tokens are not in the table, each token once.
func absent(ctx context.Context, in querier, rows []Submission) (absent []Submission, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	there, err := stored(ctx, in, rows)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if _, found := there[row.Token]; !found {
			there[row.Token] = row
			absent = append(absent, row)
		}
	}
	return absent, nil
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
	there, err := stored(ctx, tx, rows)
	if err != nil {
		return err
	}
	for _, row := range rows {
		found := there[row.Token]
		if !found.SameAnswers(row) || !found.AddedAt.Equal(row.AddedAt) {
			return fmt.Errorf("the database has %+v in place of %+v", found, row)
		}
	}
	return nil
}
