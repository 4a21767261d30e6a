package food

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
)

// The migrations are numbered; goose applies those that a database does not have yet, in their order.
//
//go:embed migrations
var migrations embed.FS

func newProvider(dialect goose.Dialect, folder string, db *sql.DB, options ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, path.Join("migrations", folder))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, db, files, options...)
}

// A Migration is what was done to bring a database up to date.
type Migration struct {
	Applied []string // names of migrations
	Counted int      // submissions that were stored, but not counted yet
	Merged  int      // spellings that an older version counted as foods of their own
}

// MigrateMySQL changes the schema of a MySQL database to what this program needs, while other versions of
// it work there, counts the submissions that versions from before there were tallies have stored, and
// merges the foods that versions with another foodKey have counted apart. It can be repeated at any time.
// The user needs the right to do all that.
func MigrateMySQL(ctx context.Context, cfg MySQLConfig, log *slog.Logger) (m Migration, err error) {
	c, err := cfg.driverConfig()
	if err != nil {
		return m, err
	}
	c.ReadTimeout = 0 // a change of a large table takes its time
	db, err := openMySQL(c)
	if err != nil {
		return m, err
	}
	provider, err := newProvider(goose.DialectMySQL, "mysql", db, goose.WithSessionLocker(mysqlLocker{}))
	if err != nil {
		return m, errors.Join(err, db.Close())
	}
	m.Applied, err = applyPatiently(ctx, provider)
	if err != nil {
		return m, errors.Join(fmt.Errorf("change the schema: %w", err), db.Close())
	}
	s := newStore(db, mysqlDialect, log, func(int, int) {})
	if m.Counted, err = s.countUntallied(ctx); err == nil {
		m.Merged, err = s.rekeyFoods(ctx)
	}
	return m, errors.Join(err, s.Close(ctx))
}

// lockWait is how long a change may wait for a table that others use, in seconds: they wait behind it.
const lockWait = 2

// applyPatiently applies the migrations. Where one can't have its table soon it lets the others pass, and
// tries again.
func applyPatiently(ctx context.Context, provider *goose.Provider) (applied []string, err error) {
	for range 30 {
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
		if !errors.As(err, &reply) || reply.Number != 1205 || !pause(ctx, time.Second) {
			break
		}
	}
	return applied, err
}

// A mysqlLocker has one migrator at a time: the others wait.
type mysqlLocker struct{}

const lockName = "CONCAT(DATABASE(), '.migrate')"

func (mysqlLocker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var got sql.NullInt64
	for got.Int64 != 1 { // the server ends each wait, and with it that of a client that has vanished
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK("+lockName+", 10)").Scan(&got); err != nil {
			return fmt.Errorf("wait for other migrators: %w", err)
		}
	}
	_, err := conn.ExecContext(ctx, "SET SESSION lock_wait_timeout = ?", lockWait)
	return err
}

func (mysqlLocker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "DO RELEASE_LOCK("+lockName+")")
	return err
}

// migrateSQLite brings a SQLite file up to date. Others may be doing the same at this moment: each
// migration is a transaction, which fails for who comes second, and is done when that one looks again.
func migrateSQLite(ctx context.Context, db *sql.DB) error {
	provider, err := newProvider(goose.DialectSQLite3, "sqlite", db)
	if err != nil {
		return err
	}
	for range 10 {
		if _, err = provider.Up(ctx); err == nil {
			return nil
		}
		var partial *goose.PartialError
		if !errors.As(err, &partial) && classifySQLite(err) != collided || !pause(ctx, retryDelay) {
			break
		}
	}
	return err
}

// stretch is how many ids are looked at in one transaction.
const stretch = 5000

// countUntallied counts the submissions that no instance has counted, stretch by stretch, and returns how
// many they were. Marking them and counting them is one transaction: it can be cut short and repeated,
// also by several at once.
func (s *Store) countUntallied(ctx context.Context) (counted int, err error) {
	for from := int64(0); ; {
		err := s.db.QueryRowContext(ctx, "SELECT id FROM submissions WHERE id >= ? AND NOT tallied ORDER BY id LIMIT 1", from).Scan(&from)
		if errors.Is(err, sql.ErrNoRows) {
			return counted, nil
		}
		if err == nil {
			var n int
			n, err = s.moveToLog(ctx, from)
			counted += n
		}
		if err == nil { // so that the log stays short
			err = s.fold(ctx)
		}
		if err != nil && (s.classify(err) != collided || !pause(ctx, retryDelay)) {
			return counted, fmt.Errorf("count submissions: %w", err)
		}
	}
}

// moveToLog counts the untallied submissions of one stretch in the log.
func (s *Store) moveToLog(ctx context.Context, from int64) (int, error) {
	s.writer.Lock()
	defer s.writer.Unlock()
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	rows, err := tx.QueryContext(ctx, "SELECT id, favourite_food, country, created_at FROM submissions WHERE id >= ? AND id < ? AND NOT tallied "+s.lockRows,
		from, from+stretch)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var subs []Submission
	var ids []any
	for rows.Next() {
		var id int64
		var sub Submission
		if err := rows.Scan(&id, &sub.FavouriteFood, &sub.Country, &sub.AddedAt); err != nil {
			return 0, err
		}
		ids, subs = append(ids, id), append(subs, sub)
	}
	if err := rows.Err(); err != nil || len(ids) == 0 {
		return 0, err
	}
	// By their ids: others may have come into the stretch meanwhile.
	if _, err := tx.ExecContext(ctx, "UPDATE submissions SET tallied = TRUE WHERE id IN (?"+strings.Repeat(",?", len(ids)-1)+")", ids...); err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO tally_log (counts) VALUES (?)", countsOf(subs)); err != nil {
		return 0, err
	}
	return len(ids), tx.Commit()
}
