package food

import (
	"context"
	"errors"
	"fmt"
	"time"

	"simpleapp/internal/batch"
	"simpleapp/internal/database"
)

var (
	// ErrNotStored promises that this call of Add has not stored the submission and never will.
	// Another call with the same token may have stored it.
	ErrNotStored = errors.New("not stored")
	// ErrUnconfirmed says that the submission may be stored or not, because the answer of the
	// database was lost. It is safe to add the submission again. If that returns nil or a
	// *ConflictError, the result is certain.
	ErrUnconfirmed = errors.New("not confirmed")
	// ErrInvalidData comes with one of the two above. It says that the database can't hold one of
	// the values, so that the same submission will fail again.
	ErrInvalidData = errors.New("the database can't hold one of the values")
)

// A ConflictError says that a submission with the same token and other answers is stored already.
// The stored one does not change.
type ConflictError struct{ Stored Submission }

func (e *ConflictError) Error() string { return "token used before, for other answers" }

const (
	maxBatch  = 256             // rows in one INSERT
	writeTime = 3 * time.Second // timeout of a batch, with its retries
	patience  = 4 * time.Second // timeout of Add, with the time in the queue
	readTime  = 3 * time.Second // timeout of a page
)

// Submissions reads and adds the submissions in a database. Use New to make one.
type Submissions struct {
	db      *database.DB
	writes  *batch.Combiner[Submission, error]
	observe Observer
}

// An Observer is called after each batch with the number of submissions in the batch, and the
// number of rows whose COMMIT was confirmed.
type Observer func(submissions, stored int)

// New returns the Submissions of a database.
func New(db *database.DB, observe Observer) *Submissions {
	s := &Submissions{db: db, observe: observe}
	s.writes = batch.New(maxBatch, patience, s.write)
	return s
}

// Add stores a valid submission, in one batch with those of concurrent callers. If it returns nil,
// the submission is durable: it was stored now, or it was stored before with the same token and
// answers. Otherwise the error is a *ConflictError, or wraps ErrNotStored or ErrUnconfirmed, and
// perhaps ErrInvalidData. Add returns after four seconds at the latest.
func (s *Submissions) Add(sub Submission) error {
	ticket, err := s.writes.Put(sub)
	if err != nil {
		return fmt.Errorf("add submission: the program is stopping: %w: %w", ErrNotStored, err)
	}
	result, err := ticket.Wait()
	switch {
	case err == nil:
		return result
	case errors.Is(err, batch.ErrSlow) && ticket.Withdraw():
		return fmt.Errorf("add submission: wait in the queue: %w: %w", ErrNotStored, err)
	}
	return fmt.Errorf("add submission: %w: %w", ErrUnconfirmed, err)
}

// write stores the submissions of one batch. It returns the result of Add for each.
func (s *Submissions) write(ctx context.Context, subs []Submission) ([]error, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	first := make(map[string]Submission, len(subs)) // the first submission with each token
	rows := make([]Submission, 0, len(subs))
	for _, sub := range subs {
		if _, seen := first[sub.Token]; !seen {
			first[sub.Token] = sub
			rows = append(rows, sub)
		}
	}
	out := &outcome{found: make(map[string]Submission), failed: make(map[string]error)}
	s.insert(ctx, rows, ErrNotStored, out)
	s.observe(len(subs), out.inserted)

	errs := make([]error, len(subs))
	for i, sub := range subs {
		if err := out.failed[sub.Token]; err != nil {
			errs[i] = fmt.Errorf("add submission: %w", err)
			continue
		}
		stored, found := out.found[sub.Token]
		if !found { // it was stored now
			stored = first[sub.Token]
		}
		if !sub.SameAnswers(stored) {
			errs[i] = &ConflictError{Stored: stored}
		}
	}
	return errs, nil
}

// Ping returns an error unless it can read every column of a Submission.
func (s *Submissions) Ping(ctx context.Context) error {
	_, err := query(ctx, s.db, "ORDER BY id LIMIT 1")
	return err
}

// Close stores the submissions in the queue. It gives up when ctx ends. It does not close the
// database.
func (s *Submissions) Close(ctx context.Context) error { return s.writes.Close(ctx) }
