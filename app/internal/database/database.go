// Package database opens the SQL database that keeps the submissions and what they add up to. It is
// MySQL or SQLite. The package knows where the two differ, and has their migrations.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// A DB is an open database. Use OpenMySQL or OpenSQLite to open one.
type DB struct {
	*sql.DB
	Engine
	writers sync.Locker // serializes writers on databases that allow only one (SQLite)
}

// An Engine is where MySQL and SQLite differ. The rest of the SQL is the same.
type Engine interface {
	// Classify returns what an error of a write means for what was to be written.
	Classify(err error) Failure

	// LockRows is the end of a SELECT that locks the rows which it returns, until the transaction
	// ends. SkipLocked is the same, and leaves out the rows that another transaction has locked.
	LockRows() string
	SkipLocked() string

	// AddToDuplicate is the end of an INSERT. Where a row with the same values in the columns of key is
	// there already, the INSERT adds the new row's value of column to that row's.
	AddToDuplicate(column, key string) string

	write(ctx context.Context, db *sql.DB, statements []Statement) error
}

// A Failure is what an error of a write means.
type Failure int

const (
	// Unknown: the answer was lost. The write may be done.
	Unknown Failure = iota
	// Refused: nothing is written, for a reason of the server's own.
	Refused
	// Collided: nothing is written, because of another transaction's lock or because a row with the
	// same unique key is there. Look what is there, and retry.
	Collided
	// InvalidData: nothing is written, because a table can't take one of the values.
	InvalidData
)

// A Statement is an SQL statement and its arguments. Its text is constant but for the number of
// placeholders: what visitors write is always an argument.
type Statement struct {
	SQL  string
	Args []any
}

// Write executes statements as one transaction, with as few round trips as the database allows.
func (db *DB) Write(ctx context.Context, statements ...Statement) error {
	db.writers.Lock()
	defer db.writers.Unlock()
	return db.write(ctx, db.DB, statements)
}

// ErrUnknown says that the answer to a COMMIT was lost.
var ErrUnknown = errors.New("the transaction may be committed or not")

// Update calls do with a transaction, and commits it unless do returns an error. The transaction sees
// what others commit while it runs (READ COMMITTED). If Update returns an error other than ErrUnknown,
// nothing is written.
func (db *DB) Update(ctx context.Context, do func(*sql.Tx) error) error {
	db.writers.Lock()
	defer db.writers.Unlock()
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

// RetryDelay is how long to pause before a transaction that collided is tried again.
const RetryDelay = 50 * time.Millisecond

// Retry calls do until it returns nil, an error that is no collision, or ctx ends. It returns the
// last error.
func (db *DB) Retry(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil || db.Classify(err) != Collided || !Pause(ctx, RetryDelay) {
			return err
		}
	}
}

// Pause waits, and reports whether ctx has not ended meanwhile.
func Pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// Values returns the placeholders of n rows of an INSERT: "(?, ?), (?, ?)".
func Values(rows, columns int) string {
	row := "(" + Placeholders(columns) + ")"
	return row + strings.Repeat(", "+row, rows-1)
}

// Placeholders returns n placeholders: "?, ?, ?".
func Placeholders(n int) string { return "?" + strings.Repeat(", ?", n-1) }

type noLock struct{}

func (noLock) Lock()   {}
func (noLock) Unlock() {}
