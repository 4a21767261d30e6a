package visits

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"

	"simpleapp/internal/database"
)

const schema = `
CREATE TABLE IF NOT EXISTS visits (id INTEGER PRIMARY KEY CHECK (id = 1), total INTEGER NOT NULL);
INSERT INTO visits (id, total) VALUES (1, 0) ON CONFLICT DO NOTHING;`

type sqliteStore struct {
	db *sql.DB
	// addVisits adds to the total. It is prepared once, because that saves a quarter of the CPU of
	// a batch.
	addVisits *sql.Stmt
}

// OpenSQLite returns a Counter that uses the SQLite file at path. It creates the file if none
// exists. onBatch is called with the number of visits in each batch.
func OpenSQLite(path string, log *slog.Logger, onBatch func(visits int)) (*Counter, error) {
	// Each batch writes one page to the disk. A page of 1 KB takes 0.31 ms, and one of 4 KB,
	// SQLite's default, 0.40 ms. A file that exists keeps its size.
	pragmas := []string{"busy_timeout(1000)", "page_size(1024)"}
	// The Counter and CanCount wait in line for one connection. With two, a busy Counter could keep
	// CanCount from the lock of the file.
	db, err := database.OpenFile(path, 1, url.Values{"_pragma": pragmas})
	if err != nil {
		return nil, err
	}
	if _, err := db.Exec(schema); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	addVisits, err := db.Prepare("UPDATE visits SET total = MAX(total, ?) + ? RETURNING total")
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return newCounter(sqliteStore{db, addVisits}, log, onBatch), nil
}

// add ignores process and seq, because the answer of a library can't get lost. The statement
// commits when its rows end, and rows.Err returns an error if it did not. ctx does not cancel the
// statement, because it might be committed all the same. busy_timeout bounds how long it waits for
// the lock of the file. It also bounds how long an earlier canCount keeps the connection.
func (s sqliteStore) add(
	ctx context.Context, _ string, _, n, seen int64,
) (total int64, err error) {
	rows, err := s.addVisits.QueryContext(context.WithoutCancel(ctx), seen, n)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&total); err != nil {
			return 0, err
		}
	}
	return total, rows.Err()
}

func (s sqliteStore) total(ctx context.Context) (total int64, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT total FROM visits").Scan(&total)
	return total, err
}

// canCount takes the lock of a writer, and changes no row: the disk of an idle site can rest.
func (s sqliteStore) canCount(ctx context.Context, _ string, _ int64) error {
	_, err := s.db.ExecContext(ctx, "UPDATE visits SET total = total WHERE id = 0")
	return err
}

func (s sqliteStore) close() error { return s.db.Close() }
