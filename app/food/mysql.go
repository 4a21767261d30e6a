package food

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// MySQLConfig names a MySQL database and how to log in.
type MySQLConfig struct {
	Addr, Database, User string
	// Password is asked for each new connection, so that a rotated one is taken up.
	Password func() (string, error)
}

// OpenMySQL returns a Store over MySQL. It does not connect: until the server answers, calls fail.
func OpenMySQL(cfg MySQLConfig, observe Observer) (*Store, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName, c.User = "tcp", cfg.Addr, cfg.Database, cfg.User
	c.ParseTime, c.Loc = true, time.UTC
	c.InterpolateParams = true // one round trip, and no prepared statement to close
	// caching_sha2_password needs encryption; a server without TLS is spoken to without.
	c.TLSConfig = "preferred"
	// The driver's own limits are infinite. Contexts bound calls; these are for what has none.
	c.Timeout, c.ReadTimeout, c.WriteTimeout = 2*time.Second, 5*time.Second, 5*time.Second
	c.Logger = &mysql.NopLogger{} // what it would print is in the errors, too
	err := c.Apply(
		mysql.Charset("utf8mb4", ""),
		mysql.BeforeConnect(func(_ context.Context, c *mysql.Config) (err error) {
			c.Passwd, err = cfg.Password()
			return err
		}))
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	db.SetConnMaxLifetime(4 * time.Minute) // under the server's, and every balancer's, idle limit
	return newStore(db, classifyMySQL, observe), nil
}

// classifyMySQL follows https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html
func classifyMySQL(err error) failure {
	var reply *mysql.MySQLError
	if errors.As(err, &reply) { // the server refused the statement, or the login
		state := string(reply.SQLState[:])
		switch {
		case reply.Number == 1062, reply.Number == 1205, reply.Number == 1213: // duplicate, lock wait, deadlock
			return collided
		case strings.HasPrefix(state, "22"), strings.HasPrefix(state, "23"), reply.Number == 1366: // data, constraint, charset
			return invalidData
		}
		return refused
	}
	var network *net.OpError
	if errors.As(err, &network) && network.Op == "dial" || errors.Is(err, driver.ErrBadConn) {
		return refused // never sent
	}
	return unknown
}
