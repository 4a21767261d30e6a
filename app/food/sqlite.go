package food

import (
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed schema_sqlite.sql
var schemaSQLite string

// OpenSQLite returns a Store over the SQLite file at path, which it creates if there is none.
func OpenSQLite(path string, observe Observer) (*Store, error) {
	options := url.Values{
		// Readers don't wait for the writer, and each commit is on disk before it is answered.
		"_pragma":      {"busy_timeout(3000)", "journal_mode(wal)", "synchronous(full)"},
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"}, // the driver's default is no date to SQLite
	}
	file := url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(4) // one writes at a time: the Store's combiner
	db.SetMaxIdleConns(4)
	if _, err := db.Exec(schemaSQLite); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return newStore(db, classifySQLite, observe), nil
}

// classifySQLite follows https://www.sqlite.org/rescode.html
func classifySQLite(err error) failure {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return unknown
	}
	switch code := e.Code(); {
	case code == sqlite3.SQLITE_CONSTRAINT_UNIQUE, code&0xff == sqlite3.SQLITE_BUSY:
		return collided
	case code&0xff == sqlite3.SQLITE_CONSTRAINT, code&0xff == sqlite3.SQLITE_TOOBIG:
		return invalidData
	case code&0xff == sqlite3.SQLITE_INTERRUPT:
		return unknown
	}
	return refused // a failed statement is rolled back
}
