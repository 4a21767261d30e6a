package food

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// OpenSQLite returns a Store over the SQLite file at path, which it creates if there is none and
// brings up to date if there is an older one.
func OpenSQLite(path string, log *slog.Logger, observe Observer) (*Store, error) {
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
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	if err := migrateSQLite(context.Background(), db); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s := newStore(db, dialect{
		classify: classifySQLite,
		store:    storeSQLite,
		upsert:   "ON CONFLICT (scope, name) DO UPDATE SET n = n + excluded.n",
		writer:   new(sync.Mutex), // in line one gets its turn, with busy_timeout it may not
	}, log, observe)
	_, err = s.countUntallied(context.Background())
	if err == nil {
		err = s.rekeyFileOnce(context.Background())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), s.Close(context.Background()))
	}
	return s, nil
}

// rekeyFileOnce merges the foods that older versions have counted apart. The file's user_version says
// whether that was done, because it would slow each start down. Foods that an older
// version counts in the file later are not merged.
func (s *Store) rekeyFileOnce(ctx context.Context) error {
	var version int
	err := s.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	if err != nil || version >= foodKeyVersion {
		return err
	}
	if _, err := s.rekeyFoods(ctx); err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", foodKeyVersion))
	return err
}

func storeSQLite(ctx context.Context, db *sql.DB, rows []Submission, counts string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, insertSQL(len(rows)), insertArgs(rows)...); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO tally_log (counts) VALUES (?)", counts); err != nil {
		return err
	}
	return tx.Commit()
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
