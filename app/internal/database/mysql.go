package database

import (
	"cmp"
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// MySQLConfig names a MySQL database and how to log in.
type MySQLConfig struct {
	// Addrs are those of one server, or of the servers of a group.
	Addrs          []string
	Database, User string
	// Password is called for each new connection, so that a changed password is used.
	Password func() (string, error)
	// TLS verifies the server's certificate. If it is nil, TLS is used where the server has it, and
	// nothing is verified.
	TLS *tls.Config
	// Patient allows a statement to take as long as its context allows, and a session to send
	// nothing for as long as the server allows. Otherwise a statement times out after five seconds,
	// even if its context allows more, and a session ends after maxSilence.
	Patient bool
}

// A mysqlEngine is MySQL or MariaDB.
type mysqlEngine struct{}

func (mysqlEngine) LockRows() string   { return "FOR UPDATE" }
func (mysqlEngine) SkipLocked() string { return "FOR UPDATE SKIP LOCKED" }

// AddToDuplicate uses VALUES(). It is deprecated in MySQL, but MariaDB does not have its successor.
func (mysqlEngine) AddToDuplicate(column, _ string) string {
	return "ON DUPLICATE KEY UPDATE " + column + " = " + column + " + VALUES(" + column + ")"
}

// driverConfig returns the driver's settings.
func (cfg MySQLConfig) driverConfig() (*mysql.Config, error) {
	c := mysql.NewConfig()
	c.Net, c.DBName, c.User = "tcp", cfg.Database, cfg.User
	c.ParseTime, c.Loc = true, time.UTC
	c.InterpolateParams = true // one round trip, and no prepared statement to close
	c.MultiStatements = true   // write sends a transaction in one round trip
	// caching_sha2_password needs encryption. Servers without TLS are used without it.
	c.TLSConfig, c.TLS = "preferred", cfg.TLS
	if cfg.TLS != nil {
		c.TLSConfig = ""
	}
	// The driver has no timeouts by default. A context can only shorten these.
	c.Timeout, c.ReadTimeout, c.WriteTimeout = 2*time.Second, 5*time.Second, 5*time.Second
	if cfg.Patient {
		c.ReadTimeout = 0
	}
	c.Logger = &mysql.NopLogger{} // the driver also returns every error that it would log
	err := c.Apply(mysql.BeforeConnect(func(_ context.Context, c *mysql.Config) (err error) {
		c.Passwd, err = cfg.Password()
		return err
	}))
	return c, err
}

// session sets the variables that this package relies on, because a server may have other defaults:
//   - NAMES: text is UTF-8.
//   - autocommit, completion_type: a statement outside of a transaction commits. COMMIT neither
//     begins another transaction nor disconnects.
//   - sql_mode: a value that does not fit is an error. A backslash in a quoted text escapes, and
//     "x" is a text.
//   - unique_checks: tokens are unique.
//   - sql_safe_updates, sql_big_selects, sql_select_limit: no statement is refused for its size,
//     and queries return all of their rows.
//   - A transaction may write. It sees what was committed when it began; Update chooses READ
//     COMMITTED.
//
// It costs no more round trips than SET NAMES alone. The isolation level has a statement of its
// own, because its variable has different names in MySQL and MariaDB.
const session = "SET NAMES utf8mb4, autocommit = 1, completion_type = 0, " +
	"sql_mode = 'TRADITIONAL', unique_checks = 1, sql_safe_updates = 0, sql_big_selects = 1, " +
	"sql_select_limit = 18446744073709551615; " +
	"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE"

// maxSilence is how long the server keeps a session that sends nothing, in a transaction or not,
// unless the MySQLConfig is Patient. If the machine of a program dies, nobody closes its
// connections. The server then ends the sessions and frees their locks, such as those on the rows
// that tally.Fold reads.
const maxSilence = 20 * time.Second

// OpenMySQL returns a MySQL database. It does not connect: until the server answers, calls fail.
func OpenMySQL(cfg MySQLConfig) (*DB, error) {
	c, err := cfg.driverConfig()
	if err != nil {
		return nil, err
	}
	connector := &primaryConnector{config: c, addrs: cfg.Addrs, session: session}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	// Connections end after four minutes, so that a balancer chooses again and a changed password
	// is used.
	db.SetConnMaxLifetime(4 * time.Minute)
	if !cfg.Patient {
		connector.session += fmt.Sprintf("; SET SESSION wait_timeout = %.0f", maxSilence.Seconds())
		db.SetConnMaxIdleTime(maxSilence / 2)
	}
	return &DB{db, mysqlEngine{}, nil}, nil
}

// write sends the transaction from BEGIN to COMMIT in one round trip. It costs as much as a single
// statement, and the server never holds locks while it waits for the client.
func (mysqlEngine) write(ctx context.Context, db *sql.DB, statements []Statement) error {
	text := "BEGIN; "
	var args []any
	for _, s := range statements {
		text += s.SQL + "; "
		args = append(args, s.Args...)
	}
	text += "COMMIT"
	for tries := 0; ; tries++ {
		conn, err := db.Conn(ctx)
		if err != nil {
			return fmt.Errorf("%w: %w", errNotSent, err)
		}
		_, err = conn.ExecContext(ctx, text, args...)
		if err != nil {
			// The transaction may still be open. End it, or close the connection, before the
			// connection returns to the pool.
			if _, rollbackErr := conn.ExecContext(ctx, "ROLLBACK"); rollbackErr != nil {
				conn.Raw(func(any) error { return driver.ErrBadConn })
			}
		}
		conn.Close()
		// ErrBadConn: the server had closed the connection, and the driver promises that it has
		// sent nothing.
		if !errors.Is(err, driver.ErrBadConn) || tries == 2 {
			return err
		}
	}
}

// Classify follows https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html
func (mysqlEngine) Classify(err error) Failure {
	var reply *mysql.MySQLError
	if errors.As(err, &reply) { // the server refused the statement, or the login
		state := string(reply.SQLState[:])
		switch {
		case refusesWrites(reply.Number):
			return Moved
		case groupMayHaveIt(reply.Number):
			return Unknown
		case reply.Number == 1062, // duplicate key
			reply.Number == 1205, // lock wait timeout
			reply.Number == 1213: // deadlock
			return Collided
		case strings.HasPrefix(state, "22"), // data
			strings.HasPrefix(state, "23"), // constraint
			reply.Number == 1366:           // character set
			return InvalidData
		}
		return Refused
	}
	if errors.Is(err, errNotSent) || errors.Is(err, driver.ErrBadConn) {
		return Refused
	}
	return Unknown
}

// groupMayHaveIt tells whether an error may come after a group of servers has received the
// transaction, which it may then commit all the same: the server stops, the statement or the
// session is killed, or the commit fails half-way.
func groupMayHaveIt(number uint16) bool {
	switch number {
	case 1053, // server shutdown
		1180,       // error during COMMIT
		1598,       // the binary log can't be written, and the server ends
		1317, 3169, // query or session killed
		3100, 3101, 3796: // the group's part of COMMIT failed
		return true
	}
	return false
}

// Hint returns what an operator can do about an error of MySQL or SQLite, or "" if it does not
// know.
func Hint(err error) string {
	const readOnly = "no server takes writes at the moment: the group of MySQL servers chooses " +
		"another primary, or MYSQL_ADDR names a read-only replica"
	var reply *mysql.MySQLError
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) || errors.Is(err, mysql.ErrNoTLS) {
		return "MYSQL_TLS=verify: the server needs a certificate for the name in MYSQL_ADDR, " +
			"from an authority in MYSQL_TLS_CA_FILE"
	}
	if !errors.As(err, &reply) {
		if errors.Is(err, errReadOnly) {
			return readOnly
		}
		return cmp.Or(HintNoServer(err, "MYSQL_ADDR"), HintSQLite(err))
	}
	if refusesWrites(reply.Number) {
		return readOnly
	}
	switch reply.Number {
	case 1045: // access denied
		return "MySQL does not accept MYSQL_USER with the password in MYSQL_PASSWORD_FILE: " +
			"correct the one that is wrong (a volume keeps the password it was created with)"
	case 1044, 1049: // no right to the database, no such database
		return "MYSQL_DATABASE names no database that this account may use: correct it, or make " +
			"the database and give the account its rights"
	case 1054, 1146: // no such column, no such table
		return "the database's schema is older than this program: run make deploy (on Swarm), " +
			"make migrate (with Compose), or simpleapp migrate"
	case 1142: // no right to a table, which may not exist
		return "the database's schema is older than this program, or this account may not do " +
			"that: for the app, run make deploy (on Swarm), make migrate (with Compose), or " +
			"simpleapp migrate and mysql_db/grants.sql; migrate and forget need an account that " +
			"may change the schema and delete (make migrate, make forget)"
	}
	return ""
}
