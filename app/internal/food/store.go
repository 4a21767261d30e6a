package food

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"simpleapp/internal/batch"
)

var (
	// ErrNotStored promises that the submission is not stored and will not be, unless it is sent again.
	ErrNotStored = errors.New("not stored")
	// ErrUnconfirmed says that the submission may be stored: the database did not answer after it was
	// sent there. Sending it again is safe and will tell.
	ErrUnconfirmed = errors.New("not confirmed")
)

// A ConflictError says that the token was used before, for other answers: those stand.
type ConflictError struct{ Stored Submission }

func (e *ConflictError) Error() string { return "token used before, for other answers" }

const (
	maxBatch   = 256             // rows in one INSERT
	writeTime  = 3 * time.Second // for a batch: storing it and, after a lost answer, finding out
	patience   = 4 * time.Second // for a caller of Add, waiting in line included
	readTime   = 3 * time.Second
	retryDelay = 50 * time.Millisecond
)

// A Store keeps submissions in an SQL database, and counts them. Open one with OpenMySQL or OpenSQLite.
type Store struct {
	db *sql.DB
	dialect
	log     *slog.Logger
	writes  *batch.Combiner[Submission, error]
	observe Observer

	folds        atomic.Int64  // begun so far
	lastFold     atomic.Int64  // the number of the last one that succeeded
	folding      chan struct{} // semaphore: held while folding
	stopFolding  context.CancelFunc
	foldingEnded chan struct{} // closed when foldAtTimes has returned
}

// A dialect is what differs from database to database; the rest of the SQL is the same.
type dialect struct {
	classify func(error) failure
	// store stores rows and what they add to the counts in one transaction.
	store      func(ctx context.Context, db *sql.DB, rows []Submission, counts string) error
	lockRows   string      // the clause that locks the rows a SELECT returns
	skipLocked string      // the clause that locks the rows a SELECT returns, and leaves out those that are locked
	upsert     string      // the clause that adds to n where an INSERT finds its row
	writer     sync.Locker // held by who writes, where the database takes but one at a time
}

// An Observer is told of each batch: how many submissions came, and how many new rows that made.
type Observer func(submissions, stored int)

// A failure is what an error of storing rows means for them.
type failure int

const (
	unknown     failure = iota // the answer was lost: they may be stored
	refused                    // none is stored, for a reason that lies with the server
	collided                   // none is stored, for a token or a lock that another holds: look, and try again
	invalidData                // none is stored, for one that the table can't take
)

func newStore(db *sql.DB, d dialect, log *slog.Logger, observe Observer) *Store {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Store{db: db, dialect: d, log: log, observe: observe,
		folding: make(chan struct{}, 1), stopFolding: cancel, foldingEnded: make(chan struct{})}
	s.writes = batch.New(maxBatch, patience, s.write)
	go s.foldAtTimes(ctx)
	return s
}

// Add stores a valid submission, together with whatever others are on their way. When it returns
// nil, the submission is durable: stored now or, with the same token and answers, before.
// Otherwise the error is a *ConflictError, or wraps ErrNotStored or ErrUnconfirmed.
// It takes four seconds at most.
func (s *Store) Add(sub Submission) error {
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
func (s *Store) write(ctx context.Context, subs []Submission) ([]error, error) {
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
	out := &outcome{stored: first, failed: make(map[string]error)}
	s.insert(ctx, rows, out)
	s.observe(len(subs), out.inserted)

	errs := make([]error, len(subs))
	for i, sub := range subs {
		stored := out.stored[sub.Token]
		if err := out.failed[sub.Token]; err != nil {
			errs[i] = fmt.Errorf("add submission: %w", err)
		} else if !sub.SameAnswers(stored) {
			errs[i] = &ConflictError{Stored: stored}
		}
	}
	return errs, nil
}

// An outcome tells, by token, which submission stands and which could not be stored.
type outcome struct {
	stored   map[string]Submission
	failed   map[string]error
	inserted int // rows of the transactions that were answered
}

func (o *outcome) fail(rows []Submission, kind, cause error) {
	for _, row := range rows {
		o.failed[row.Token] = fmt.Errorf("%w: %w", kind, cause)
	}
}

// insert stores rows, whose tokens differ, and counts them. Where the answer doesn't tell, the table
// does: a row that stands there under its token was stored, and counted, before, or by the very
// transaction whose answer was lost.
func (s *Store) insert(ctx context.Context, rows []Submission, out *outcome) {
	kind := ErrNotStored // what to say of rows that are given up
	for len(rows) > 0 {
		s.writer.Lock()
		err := s.store(ctx, s.db, rows, countsOf(rows))
		s.writer.Unlock()
		if err == nil {
			out.inserted += len(rows)
			return
		}
		switch s.classify(err) {
		case invalidData:
			if len(rows) > 1 { // the others must not suffer for one
				half := len(rows) / 2
				s.insert(ctx, rows[:half], out)
				s.insert(ctx, rows[half:], out)
				return
			}
			out.fail(rows, kind, err)
			return
		case refused:
			if kind == ErrNotStored || !pause(ctx, retryDelay) {
				out.fail(rows, kind, err)
				return
			}
		case unknown:
			kind = ErrUnconfirmed
		}
		missing, lookupErr := s.missing(ctx, rows, out)
		for lookupErr != nil {
			if !pause(ctx, retryDelay) {
				out.fail(rows, kind, fmt.Errorf("%w, then %w", err, lookupErr))
				return
			}
			missing, lookupErr = s.missing(ctx, rows, out)
		}
		rows = missing
	}
}

// pause waits before another try and reports whether there is time for one.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// missing returns the rows whose tokens are not in the table, and notes in out what stands for the others.
func (s *Store) missing(ctx context.Context, rows []Submission, out *outcome) ([]Submission, error) {
	tokens := make([]any, len(rows))
	for i, row := range rows {
		tokens[i] = row.Token
	}
	found, err := s.query(ctx, "WHERE token IN (?"+strings.Repeat(",?", len(rows)-1)+")", tokens...)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(found))
	for _, record := range found {
		there[record.Token] = true
		out.stored[record.Token] = record.Submission
	}
	var missing []Submission
	for _, row := range rows {
		if !there[row.Token] {
			missing = append(missing, row)
		}
	}
	return missing, nil
}

// Ping asks for what each table has that this program needs: the server, the schema and the right to read.
func (s *Store) Ping(ctx context.Context) error {
	var row [3]sql.NullInt64
	return s.db.QueryRowContext(ctx, "SELECT (SELECT tallied FROM submissions LIMIT 1), (SELECT n FROM tallies LIMIT 1), (SELECT id FROM tally_log LIMIT 1)").
		Scan(&row[0], &row[1], &row[2])
}

// Close stores what waits, until ctx ends, and closes the database. What is not folded yet stays in the log.
func (s *Store) Close(ctx context.Context) error {
	err := s.writes.Close(ctx)
	s.stopFolding()
	<-s.foldingEnded
	return errors.Join(err, s.db.Close())
}
