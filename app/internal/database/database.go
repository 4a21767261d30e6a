// Package database opens the SQL database that stores the submissions and their counts. It is MySQL
// or SQLite. The package hides the differences between the two, and contains the migrations of
// both.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A DB is an open database. Use OpenMySQL or OpenSQLite to open one.
type DB struct {
	*sql.DB
	Engine
	// writers is a semaphore: held while writing to a database that allows only one writer
	// (SQLite). On other databases it is nil.
	writers chan struct{}
}

// An Engine contains the SQL and the error codes in which MySQL and SQLite differ. All other SQL of
// this program is the same for both.
type Engine interface {
	// Classify returns the class of an error that a write returned. The class tells whether the
	// rows may have been written, and what the caller can do.
	Classify(err error) Failure

	// LockRows is the end of a SELECT that locks the rows that it returns until the transaction
	// ends. SkipLocked is the same, but leaves out the rows that another transaction has locked.
	LockRows() string
	SkipLocked() string

	// AddToDuplicate is the end of an INSERT. If a row with the same values in the columns of key
	// exists, the INSERT adds the new row's value of column to that row instead.
	AddToDuplicate(column, key string) string

	tryLock(ctx context.Context, db *sql.DB, name string, limit time.Duration) (
		unlock func(), locked bool, err error)

	write(ctx context.Context, db *sql.DB, statements []Statement) error
}

// A Failure is the class of an error that a write returned.
type Failure int

const (
	// Unknown: the answer was lost. The rows may be written or not.
	Unknown Failure = iota
	// Refused: nothing is written, and the reason is the server, not the values.
	Refused
	// Collided: nothing is written, because another transaction holds a lock or because a row with
	// the same unique key exists. Check which rows exist, and retry.
	Collided
	// Moved: nothing is written, because the server takes no writes. Another server of its group
	// may take them now, or soon. Pause, and retry.
	Moved
	// InvalidData: nothing is written, because a column can't hold one of the values.
	InvalidData
)

// A Statement is an SQL statement and its arguments. Only the number of placeholders in the text
// may vary. Text from visitors is always an argument.
type Statement struct {
	SQL  string
	Args []any
}

// Write executes statements as one transaction, with as few round trips as the database allows.
func (db *DB) Write(ctx context.Context, statements ...Statement) error {
	unlock, err := db.waitForWriters(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return db.write(ctx, db.DB, statements)
}

// errNotSent is the error of a write that can't begin, so that nothing was sent.
var errNotSent = errors.New("nothing was sent to the database")

// waitForWriters waits until the caller may write. If ctx ends first, it returns an error.
func (db *DB) waitForWriters(ctx context.Context) (unlock func(), err error) {
	if db.writers == nil {
		return func() {}, nil
	}
	select {
	case db.writers <- struct{}{}:
		return func() { <-db.writers }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errNotSent, ctx.Err())
	}
}

// ErrUnknown is the error of Update when the answer to its COMMIT was lost.
var ErrUnknown = errors.New("the transaction may be committed or not")

// Update calls do with a transaction, and commits it unless do returns an error. On MySQL the
// isolation level is READ COMMITTED: the transaction sees what others commit while it runs. On
// SQLite nobody else commits meanwhile. If Update returns an error other than ErrUnknown, nothing
// is written.
func (db *DB) Update(ctx context.Context, do func(*sql.Tx) error) error {
	unlock, err := db.waitForWriters(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return err
	}
	err = tx.Commit()
	if err != nil && db.Classify(err) == Unknown {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return err
}

// RetryDelay is the pause before a failed transaction is retried.
const RetryDelay = 50 * time.Millisecond

// electionTime is longer than a group of servers needs to choose another primary. It bounds Retry,
// and how long a new connection waits for a primary. A command of an operator has no deadline of
// its own, and would wait for ever while most members of the group are away.
const electionTime = 30 * time.Second

// Retry calls do again as long as its error is classified as Collided or Moved, for electionTime or
// until ctx ends. It returns the last error of do.
func (db *DB) Retry(ctx context.Context, do func() error) error {
	deadline := time.Now().Add(electionTime)
	for {
		err := do()
		if err == nil {
			return nil
		}
		class := db.Classify(err)
		if class != Collided && class != Moved || time.Now().After(deadline) ||
			!Pause(ctx, RetryDelay) {
			return err
		}
	}
}

// Pause waits for d. It returns true after d, and false as soon as ctx ends.
func Pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// Values returns the placeholders of an INSERT: "(?, ?), (?, ?)" for two rows of two columns.
func Values(rows, columns int) string {
	row := "(" + Placeholders(columns) + ")"
	return row + strings.Repeat(", "+row, rows-1)
}

// Placeholders returns n placeholders, at least one: "?, ?, ?".
func Placeholders(n int) string { return "?" + strings.Repeat(", ?", n-1) }
