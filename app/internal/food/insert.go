package food

import (
	"context"
	"fmt"

	"simpleapp/internal/database"
	"simpleapp/internal/tally"
)

// An outcome is the result of a batch. Rows that are in neither map were stored now.
type outcome struct {
	found    map[string]Submission // by token: rows that lookUp has read in the table
	failed   map[string]error      // by token: an error that wraps ErrNotStored or ErrUnconfirmed
	inserted int                   // number of rows that transactions confirmed
}

// fail records that rows failed with an error. kind is ErrNotStored or ErrUnconfirmed.
func (o *outcome) fail(rows []Submission, kind, cause error) {
	for _, row := range rows {
		o.failed[row.Token] = fmt.Errorf("%w: %w", kind, cause)
	}
}

// insert stores and counts rows in one transaction. No two rows have the same token. After an error
// insert acts by the class of the error, and by whether the answer to an earlier try was lost:
//
//	class        no answer was lost yet            an answer was lost before
//	InvalidData  split the rows; a single row      split the rows; a single row
//	             is ErrNotStored                   is ErrUnconfirmed
//	Refused      all rows are ErrNotStored         pause, then look up and retry
//	Moved        pause, then look up and retry     pause, then look up and retry
//	Collided     look up and retry                 look up and retry
//	Unknown      pause, then look up and retry     pause, then look up and retry
//
// "Look up" means to read which of the tokens are in the table. Rows with these tokens were stored
// and counted, so only the others are retried. If ctx ends first, the rows that are left fail with
// ErrNotStored, or with ErrUnconfirmed if an answer was lost. After a lost answer even a refusal is
// retried, because only looking up can tell whether the rows are stored.
//
// giveUp is the error of rows that are given up. It begins as ErrNotStored, and becomes
// ErrUnconfirmed when an answer is lost. insert passes it on when it calls itself for each half.
func (s *Submissions) insert(ctx context.Context, rows []Submission, giveUp error, out *outcome) {
	for len(rows) > 0 {
		err := s.db.Write(ctx, insertStatement(rows), tally.Log(items(rows)))
		if err == nil {
			out.inserted += len(rows)
			return
		}
		class := s.db.Classify(err)
		if class == database.Unknown {
			giveUp = ErrUnconfirmed
		}
		switch class {
		case database.InvalidData:
			if len(rows) > 1 { // one bad row must not fail the others
				half := len(rows) / 2
				s.insert(ctx, rows[:half], giveUp, out)
				s.insert(ctx, rows[half:], giveUp, out)
				return
			}
			out.fail(rows, giveUp, fmt.Errorf("%w: %w", ErrInvalidData, err))
			return
		case database.Refused:
			if giveUp == ErrNotStored || !database.Pause(ctx, database.RetryDelay) {
				out.fail(rows, giveUp, err)
				return
			}
		case database.Unknown, database.Moved:
			if !database.Pause(ctx, database.RetryDelay) {
				out.fail(rows, giveUp, err)
				return
			}
		case database.Collided: // the transaction was rolled back
		}
		notStored, lookupErr := s.lookUp(ctx, rows, out)
		for lookupErr != nil {
			if !database.Pause(ctx, database.RetryDelay) {
				out.fail(rows, giveUp, fmt.Errorf("%w, then %w", err, lookupErr))
				return
			}
			notStored, lookupErr = s.lookUp(ctx, rows, out)
		}
		rows = notStored
	}
}

// lookUp returns the rows whose tokens are not in the table. It records the others in out.found.
func (s *Submissions) lookUp(ctx context.Context, rows []Submission, out *outcome) (
	notStored []Submission, err error) {
	stored, err := storedByToken(ctx, s.db, rows)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if found, ok := stored[row.Token]; ok {
			out.found[row.Token] = found
		} else {
			notStored = append(notStored, row)
		}
	}
	return notStored, nil
}

// items returns the values of rows that a Tally counts.
func items(rows []Submission) []tally.Item {
	items := make([]tally.Item, len(rows))
	for i, row := range rows {
		items[i] = tally.Item{Food: row.FavouriteFood, Country: row.Country, At: row.AddedAt}
	}
	return items
}
