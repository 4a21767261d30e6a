package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// OpenSQLite opens the SQLite file at path, or creates it. It applies the migrations that the file
// does not have yet.
func OpenSQLite(path string) (*DB, error) {
	db, err := OpenFile(path, 4, url.Values{
		// SQLite overwrites deleted rows: simpleapp forget promises that nothing is left of them.
		"_pragma":      {"busy_timeout(3000)", "secure_delete(on)"},
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"}, // SQLite's date functions can't read the driver's default
	})
	if err != nil {
		return nil, err
	}
	if err := migrateSQLite(context.Background(), db); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	// A channel serves writers in their order. With busy_timeout alone, others might overtake a
	// writer until it fails.
	return &DB{db, sqliteEngine{}, make(chan struct{}, 1)}, nil
}

// OpenFile opens the SQLite file at path with at most conns connections, which have these options
// of the driver. Readers don't wait for the writer, and a commit returns once it is on the disk.
func OpenFile(path string, conns int, options url.Values) (*sql.DB, error) {
	// The driver sets these after the options of _pragma. The package visits needs that order: it
	// sets page_size there, which has no effect once the file is in WAL mode.
	options.Set("_journal_mode", "wal")
	options.Set("_synchronous", "full")
	file := url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: options.Encode()}
	makePrivate(path)
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// makePrivate lets only the owner of the SQLite file at path read and write it, because it has
// private keys and tokens. It creates the file if there is none. SQLite gives the same mode to the
// files that it makes beside it. Call makePrivate before SQLite opens the file.
//
// It returns no error: SQLite reports a file that can't be created. A file of another owner, or on
// a file system without modes, keeps the mode that it has.
func makePrivate(path string) {
	// Only a new file is opened: when a process closes a file, it loses all its locks on that file,
	// those of SQLite included.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		file.Close()
		return
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err == nil && info.Mode().IsRegular() {
			os.Chmod(name, info.Mode()&^0o077)
		}
	}
}

// A sqliteEngine is SQLite. A transaction locks the whole file, so no row needs a lock of its own.
type sqliteEngine struct{}

func (sqliteEngine) LockRows() string   { return "" }
func (sqliteEngine) SkipLocked() string { return "" }

func (sqliteEngine) AddToDuplicate(column, key string) string {
	return "ON CONFLICT (" + key + ") DO UPDATE SET " +
		column + " = " + column + " + excluded." + column
}

func (sqliteEngine) write(ctx context.Context, db *sql.DB, statements []Statement) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil { // another process may have the lock for longer than ctx lasts
		return fmt.Errorf("%w: %w", errNotSent, err)
	}
	defer tx.Rollback()
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s.SQL, s.Args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Classify follows https://www.sqlite.org/rescode.html
func (sqliteEngine) Classify(err error) Failure {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		if errors.Is(err, errNotSent) {
			return Refused
		}
		return Unknown
	}
	switch code := e.Code(); {
	case code == sqlite3.SQLITE_CONSTRAINT_UNIQUE, code&0xff == sqlite3.SQLITE_BUSY:
		return Collided
	case code&0xff == sqlite3.SQLITE_CONSTRAINT, code&0xff == sqlite3.SQLITE_TOOBIG:
		return InvalidData
	case code&0xff == sqlite3.SQLITE_INTERRUPT,
		code == sqlite3.SQLITE_IOERR_FSYNC: // the COMMIT is written, but may not be on the disk
		return Unknown
	}
	return Refused // a failed statement is rolled back
}

// HintSQLite returns what an operator can do about an error of SQLite, or "" if it does not know.
func HintSQLite(err error) string {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return "let this user write to the folder DATA_DIR and the files in it"
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return "the file is damaged: move it away, and import a backup"
	case sqlite3.SQLITE_FULL:
		return "the disk is full: free some space"
	}
	return ""
}
