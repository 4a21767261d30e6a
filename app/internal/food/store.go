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

// A dialect is what differs between MySQL and SQLite. The rest of the SQL is the same.
type dialect struct {
	classify func(error) failure
	// store stores rows and what they add to the counts in one transaction.
	store      func(ctx context.Context, db *sql.DB, rows []Submission, counts string) error
	lockRows   string      // a SELECT's clause that locks the rows it returns
	skipLocked string      // the same, and leaves out rows that others have locked
	upsert     string      // an INSERT's clause that adds to n where the row is there
	writer     sync.Locker // serializes writers on databases that allow only one (SQLite)
}

// An Observer is called after each batch with the number of submissions in it and of new rows.
type Observer func(submissions, stored int)

// A failure is what an error of storing rows means for them.
type failure int

const (
	unknown     failure = iota // the answer was lost: they may be stored
	refused                    // none is stored, for a reason of the server's own
	collided                   // none is stored, because of a token or a lock of another: look and retry
	invalidData                // none is stored, because the table can't take one of them
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

// An outcome tells what became of a batch. Rows that are in neither map were stored.
type outcome struct {
	found    map[string]Submission // by token: rows that were in the table already
	failed   map[string]error      // by token: wraps ErrNotStored or ErrUnconfirmed
	inserted int                   // rows of the transactions that were answered
}

// fail notes that rows failed for a cause. kind is ErrNotStored or ErrUnconfirmed.
func (o *outcome) fail(rows []Submission, kind, cause error) {
	for _, row := range rows {
		o.failed[row.Token] = fmt.Errorf("%w: %w", kind, cause)
	}
}

// insert stores rows, whose tokens differ, and counts them in the same transaction. After an error,
// what it does depends on the error and on whether the answer to an earlier try was lost:
//
//	error        no answer was lost yet            an answer was lost before
//	invalidData  split the rows; a single row      split the rows; a single row
//	             is ErrNotStored                   is ErrUnconfirmed
//	refused      all rows are ErrNotStored         pause, then look and retry
//	collided     look and retry                    look and retry
//	unknown      look and retry: an answer was lost
//
// To look is to ask the table which tokens it has. Rows that are there were stored and counted. If time
// runs out, the others are ErrNotStored, or ErrUnconfirmed if an answer was lost.
func (s *Store) insert(ctx context.Context, rows []Submission, out *outcome) {
	kind := ErrNotStored // ErrUnconfirmed once an answer was lost
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
			if len(rows) > 1 { // one bad row must not fail the others
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
		case collided: // the transaction was rolled back whole
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

// missing returns the rows whose tokens are not in the table. It notes the others in out.found.
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
		out.found[record.Token] = record.Submission
	}
	var missing []Submission
	for _, row := range rows {
		if !there[row.Token] {
			missing = append(missing, row)
		}
	}
	return missing, nil
}

// Ping reads from each table what this program needs. It fails if the server, the schema or the right to
// read is missing.
func (s *Store) Ping(ctx context.Context) error {
	var row [3]sql.NullInt64
	return s.db.QueryRowContext(ctx, "SELECT (SELECT tallied FROM submissions LIMIT 1), (SELECT n FROM tallies LIMIT 1), (SELECT id FROM tally_log LIMIT 1)").
		Scan(&row[0], &row[1], &row[2])
}

// Close stores the submissions that wait, until ctx ends, and closes the database. Counts that are not
// folded yet stay in the log.
func (s *Store) Close(ctx context.Context) error {
	err := s.writes.Close(ctx)
	s.stopFolding()
	<-s.foldingEnded
	return errors.Join(err, s.db.Close())
}
