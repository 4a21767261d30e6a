package database

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
)

// migrations contains the numbered SQL files of each database. goose applies the ones that a
// database does not have yet, in the order of their numbers.
//
//go:embed migrations
var migrations embed.FS

func newProvider(dialect goose.Dialect, folder string, db *sql.DB,
	options ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, path.Join("migrations", folder))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, db, files, options...)
}

// MigrateMySQL opens a MySQL database and applies the migrations that it does not have yet. Other
// versions of the program may use the database meanwhile. MigrateMySQL returns the names of the
// migrations that it applied, also together with an error. It can be repeated at any time. The user
// needs the right to change the schema.
func MigrateMySQL(ctx context.Context, cfg MySQLConfig) (_ *DB, applied []string, err error) {
	cfg.Patient = true // changing a large table may take minutes
	db, err := OpenMySQL(cfg)
	if err != nil {
		return nil, nil, err
	}
	provider, err := newProvider(goose.DialectMySQL, "mysql", db.DB,
		goose.WithSessionLocker(mysqlLocker{}))
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	if applied, err = applyPatiently(ctx, provider); err != nil {
		return nil, applied, errors.Join(fmt.Errorf("change the schema: %w", err), db.Close())
	}
	return db, applied, nil
}

const (
	// lockWait is the number of seconds that a migration may wait for the lock on a table.
	// Statements of the app that need the table meanwhile wait, too: MySQL queues them behind the
	// migration.
	lockWait = 2
	// lockTries is how often a migration tries to get its lock. With the pauses between them, the
	// tries take about 90 s.
	lockTries = 30
	// fileTries is how often the migrations of a SQLite file are tried.
	fileTries = 10
)

// applyPatiently applies the migrations. If one does not get the lock on its table within lockWait,
// applyPatiently pauses, so that the statements of the app can run, and retries.
func applyPatiently(ctx context.Context, provider *goose.Provider) (applied []string, err error) {
	for range lockTries {
		var results []*goose.MigrationResult
		results, err = provider.Up(ctx)
		var partial *goose.PartialError
		if errors.As(err, &partial) {
			results = partial.Applied
		}
		for _, r := range results {
			applied = append(applied, path.Base(r.Source.Path))
		}
		var reply *mysql.MySQLError
		lockTimeout := errors.As(err, &reply) && reply.Number == 1205
		if !lockTimeout || !Pause(ctx, time.Second) {
			break
		}
	}
	return applied, err
}

// A mysqlLocker ensures that only one process migrates at a time. The others wait.
type mysqlLocker struct{}

func (mysqlLocker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var got sql.NullInt64
	// GET_LOCK returns after 10 s, so that the server does not wait for a client that is gone.
	for got.Int64 != 1 {
		err := conn.QueryRowContext(ctx, "SELECT GET_LOCK("+lockName+", 10)", "migrate").Scan(&got)
		if err != nil {
			return fmt.Errorf("wait for other migrators: %w", err)
		}
	}
	_, err := conn.ExecContext(ctx, "SET SESSION lock_wait_timeout = ?", lockWait)
	return err
}

func (mysqlLocker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "DO RELEASE_LOCK("+lockName+")", "migrate")
	return err
}

// migrateSQLite applies the migrations to a SQLite file. Another process may do the same at the
// same time. Each migration is a transaction. It fails in the second process, which retries and
// then finds that it is applied.
func migrateSQLite(ctx context.Context, db *sql.DB) error {
	provider, err := newProvider(goose.DialectSQLite3, "sqlite", db)
	if err != nil {
		return err
	}
	for range fileTries {
		if _, err = provider.Up(ctx); err == nil {
			return nil
		}
		var partial *goose.PartialError
		retry := errors.As(err, &partial) || sqliteEngine{}.Classify(err) == Collided
		if !retry || !Pause(ctx, RetryDelay) {
			break
		}
	}
	return err
}
