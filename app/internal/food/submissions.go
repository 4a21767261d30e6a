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
	// ErrNotStored promises that the submission is not stored and will not be, unless it is sent again.
	ErrNotStored = errors.New("not stored")
	// ErrUnconfirmed says that the submission may be stored: the database did not answer after the
	// submission was sent there. To send it again is safe, and will tell.
	ErrUnconfirmed = errors.New("not confirmed")
)

// A ConflictError says that the token was used before, for other answers: those stand.
type ConflictError struct{ Stored Submission }

func (e *ConflictError) Error() string { return "token used before, for other answers" }

const (
	maxBatch  = 256             // rows in one INSERT
	writeTime = 3 * time.Second // for a batch: storing it and, after a lost answer, finding out
	patience  = 4 * time.Second // for a caller of Add, waiting in line included
	readTime  = 3 * time.Second
)

// Submissions are the submissions in a database. Use New to make one.
type Submissions struct {
	db      *database.DB
	writes  *batch.Combiner[Submission, error]
	observe Observer
}

// An Observer is called after each batch with the number of submissions in it and of new rows.
type Observer func(submissions, stored int)

// New returns the submissions in a database.
func New(db *database.DB, observe Observer) *Submissions {
	s := &Submissions{db: db, observe: observe}
	s.writes = batch.New(maxBatch, patience, s.write)
	return s
}

// Add stores a valid submission, together with whatever others are on their way. When it returns
// nil, the submission is durable: stored now or, with the same token and answers, before.
// Otherwise the error is a *ConflictError, or wraps ErrNotStored or ErrUnconfirmed.
// It takes four seconds at most.
func (s *Submissions) Add(sub Submission) error {
	ticket, err := s.writes.Put(sub)
	if err != nil {
		return fmt.Errorf("add submission: %w: %w", ErrNotStored, err)
	}
	result, err := ticket.Wait()
	switch {
	case err == nil:
		return result
	case errors.Is(err, batch.ErrSlow) && ticket.Withdraw():
		return fmt.Errorf("add submission: waiting in line: %w: %w", ErrNotStored, err)
	}
	return fmt.Errorf("add submission: %w: %w", ErrUnconfirmed, err)
}

// write stores the rows of one batch and tells for each what Add is to return.
func (s *Submissions) write(ctx context.Context, subs []Submission) ([]error, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	first := make(map[string]Submission, len(subs)) // of each token
	rows := make([]Submission, 0, len(subs))
	for _, sub := range subs {
		if _, seen := first[sub.Token]; !seen {
			first[sub.Token] = sub
			rows = append(rows, sub)
		}
	}
	out := &outcome{found: make(map[string]Submission), failed: make(map[string]error)}
	s.insert(ctx, rows, out)
	s.observe(len(subs), out.inserted)

	errs := make([]error, len(subs))
	for i, sub := range subs {
		stored, found := out.found[sub.Token]
		if !found {
			stored = first[sub.Token]
		}
		if err := out.failed[sub.Token]; err != nil {
			errs[i] = fmt.Errorf("add submission: %w", err)
		} else if !sub.SameAnswers(stored) {
			errs[i] = &ConflictError{Stored: stored}
		}
	}
	return errs, nil
}

// Ping reads each column that this program needs. It fails if the server, the schema or the right to
// read is missing.
func (s *Submissions) Ping(ctx context.Context) error {
	_, err := s.query(ctx, "ORDER BY id LIMIT 1")
	return err
}

// Close stores the submissions that wait, until ctx ends. It leaves the database open.
func (s *Submissions) Close(ctx context.Context) error { return s.writes.Close(ctx) }
