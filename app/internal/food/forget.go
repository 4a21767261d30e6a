package food

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"simpleapp/internal/tally"
)

// ErrGone is the error of Forget if the submission is not in the table any more.
var ErrGone = errors.New("the submission is gone already")

// Find returns the submissions that have a reference. There may be more than one, because a client
// can choose its token. Find reads the whole table.
func (s *Submissions) Find(ctx context.Context, reference string) (found []Record, err error) {
	err = s.Each(ctx, func(r Record) error {
		if r.Reference() == reference {
			found = append(found, r)
		}
		return nil
	})
	return found, err
}

// Forget deletes a submission and subtracts it from the counts. After that, no table contains a
// value that only this submission had. If Forget returns an error other than database.ErrUnknown,
// nothing is deleted. The user of the database needs the right to delete.
func (s *Submissions) Forget(ctx context.Context, record Record, counts *tally.Tally) error {
	if err := counts.FoldAll(ctx); err != nil {
		return err
	}
	return s.db.Retry(ctx, func() error {
		return s.db.Update(ctx, func(tx *sql.Tx) error {
			var counted bool
			err := tx.QueryRowContext(ctx,
				"SELECT tallied FROM submissions WHERE id = ? AND token = ? "+s.db.LockRows(),
				record.ID, record.Token).Scan(&counted)
			if errors.Is(err, sql.ErrNoRows) {
				return ErrGone
			}
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, "DELETE FROM submissions WHERE id = ?", record.ID)
			if err != nil {
				return err
			}
			if !counted {
				return nil
			}
			item := items([]Submission{record.Submission})[0]
			if err := counts.Subtract(ctx, tx, item); err != nil {
				return fmt.Errorf("subtract the submission from the counts: %w", err)
			}
			return nil
		})
	})
}
