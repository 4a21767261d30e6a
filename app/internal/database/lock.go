package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"
)

// TryLock locks a name for at most a duration, unless another process has locked it. If locked is
// true, the caller must call unlock. The lock is lost when the server ends or another one becomes
// the primary, so it can avoid duplicate work, but it can't protect data. SQLite has no such
// locks: TryLock succeeds, because only one process serves with a file.
func (db *DB) TryLock(ctx context.Context, name string, limit time.Duration) (
	unlock func(), locked bool, err error) {
	return db.tryLock(ctx, db.DB, name, limit)
}

// lockName is the name of a lock of this database. Both the name of a database and that of a lock
// may have 64 characters. So lockName has a digest of the database's name: 40 characters of the
// SHA2, which has 64. MySQL 9.7 has no SHA1.
const lockName = "CONCAT(LEFT(SHA2(DATABASE(), 256), 40), '.', ?)"

// tryLock holds the lock with a connection of its own. The server ends a session that is idle for
// longer than limit, and the session's lock with it.
func (mysqlEngine) tryLock(ctx context.Context, db *sql.DB, name string, limit time.Duration) (
	unlock func(), locked bool, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, false, err
	}
	end := func() { // closes the connection, which is not for the pool any more
		conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	var got sql.NullInt64
	err = conn.QueryRowContext(ctx, "SELECT GET_LOCK("+lockName+", 0)", name).Scan(&got)
	if err == nil && got.Int64 == 1 {
		_, err = conn.ExecContext(ctx,
			fmt.Sprintf("SET SESSION wait_timeout = %.0f", limit.Seconds()))
	}
	if err != nil || got.Int64 != 1 {
		end()
		return nil, false, err
	}
	return end, true, nil
}

func (sqliteEngine) tryLock(context.Context, *sql.DB, string, time.Duration) (
	func(), bool, error) {
	return func() {}, true, nil
}
