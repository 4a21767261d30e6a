package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"
)

// A primaryConnector connects to the server that takes writes. The name in each address may have
// several IP addresses. They are those of the members of a group, and all members except the
// primary are read-only. Once the primary may have moved, the connections from before are not used
// again.
type primaryConnector struct {
	config  *mysql.Config // without an address
	addrs   []string
	session string       // statements that each connection begins with
	moves   atomic.Int64 // how often the primary may have moved
}

// errReadOnly says that no server takes writes.
var errReadOnly = errors.New("no server takes writes")

// Driver is a method of driver.Connector.
func (c *primaryConnector) Driver() driver.Driver { return &mysql.MySQLDriver{} }

// Connect returns a connection to the primary. While the servers choose another one, it waits until
// ctx ends, or for electionTime. It then returns errReadOnly, even if ctx ends during an attempt.
func (c *primaryConnector) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, electionTime)
	defer cancel()
	var readOnly error // of the last attempt that found only read-only servers
	for {
		conn, err := c.connect(ctx)
		switch {
		case err == nil:
			return conn, nil
		case errors.Is(err, errReadOnly):
			readOnly = err
		case readOnly != nil && ctx.Err() != nil: // ctx has ended during this attempt
			return nil, readOnly
		default:
			return nil, err
		}
		if !Pause(ctx, RetryDelay) {
			return nil, readOnly
		}
	}
}

func (c *primaryConnector) connect(ctx context.Context) (driver.Conn, error) {
	moves := c.moves.Load()
	conn, err := c.connectToAny(ctx, c.servers(ctx))
	if err != nil {
		return nil, err
	}
	return &primaryConn{conn.(mysqlConn), c, moves}, nil
}

// connectToAny connects to all servers at once, because a machine that has failed does not answer.
// It returns the first connection to a server that takes writes. If there is only one server,
// connectToAny does not ask whether it takes writes. The error has those of the servers in their
// order, so that it is the same for each attempt of an outage.
func (c *primaryConnector) connectToAny(
	ctx context.Context, servers []server,
) (driver.Conn, error) {
	if len(servers) == 1 {
		return c.connectTo(ctx, servers[0])
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		server int
		conn   driver.Conn
		err    error
	}
	results := make(chan result, len(servers))
	for n, s := range servers {
		go func() {
			conn, err := c.connectTo(ctx, s)
			if err == nil {
				err = checkWritable(ctx, conn, s.addr)
			}
			results <- result{n, conn, err}
		}()
	}
	failed := make([]error, len(servers))
	for i := range servers {
		r := <-results
		if r.err == nil {
			go func() { // ends soon, because cancel ends the other attempts
				for range len(servers) - i - 1 {
					if r := <-results; r.err == nil {
						r.conn.Close()
					}
				}
			}()
			return r.conn, nil
		}
		failed[r.server] = r.err
	}
	return nil, errors.Join(failed...)
}

// connectTo opens a connection to a server, and sets the variables of its session.
func (c *primaryConnector) connectTo(ctx context.Context, s server) (driver.Conn, error) {
	if s.err != nil {
		return nil, s.err
	}
	config := s.config.Clone()
	config.DialFunc = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.addr)
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.(driver.ExecerContext).ExecContext(ctx, c.session, nil); err != nil {
		conn.Close()
		return nil, fmt.Errorf("set the session's variables: %w", err)
	}
	return conn, nil
}

// checkWritable closes the connection, and returns an error, unless its server takes writes.
func checkWritable(ctx context.Context, conn driver.Conn, addr string) error {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx,
		"SELECT CAST(@@global.read_only AS CHAR)", nil)
	var readOnly string
	if err == nil {
		row := make([]driver.Value, 1)
		err = rows.Next(row)
		readOnly = fmt.Sprintf("%s", row[0]) // before Close, which reads into the same memory
		rows.Close()
	}
	if err == nil && !takesWrites(readOnly) {
		err = fmt.Errorf("%w: %s is read-only", errReadOnly, addr)
	}
	if err != nil {
		conn.Close()
	}
	return err
}

// takesWrites interprets read_only, which MariaDB has as a word since 12.0.1.
func takesWrites(readOnly string) bool { return readOnly == "0" || readOnly == "OFF" }

// A mysqlConn has all that database/sql can use of the driver's connections.
type mysqlConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// A primaryConn is a connection that is used until the primary may have moved.
type primaryConn struct {
	mysqlConn
	connector *primaryConnector
	moves     int64 // connector.moves when this connection was opened
}

func (c *primaryConn) moved() bool { return c.moves != c.connector.moves.Load() }

func (c *primaryConn) IsValid() bool { return !c.moved() && c.mysqlConn.IsValid() }

func (c *primaryConn) ResetSession(ctx context.Context) error {
	if c.moved() {
		return driver.ErrBadConn
	}
	return c.mysqlConn.ResetSession(ctx)
}

func (c *primaryConn) ExecContext(
	ctx context.Context, query string, args []driver.NamedValue,
) (driver.Result, error) {
	result, err := c.mysqlConn.ExecContext(ctx, query, args)
	c.observe(err)
	return result, err
}

func (c *primaryConn) QueryContext(
	ctx context.Context, query string, args []driver.NamedValue,
) (driver.Rows, error) {
	rows, err := c.mysqlConn.QueryContext(ctx, query, args)
	c.observe(err)
	return rows, err
}

// observe notes that the primary may have moved: the server refuses to write, or the connection
// broke or timed out. Then the other connections to that server are not used again, either. observe
// sees statements, but neither BEGIN and COMMIT of a sql.Tx nor errors while rows are read.
func (c *primaryConn) observe(err error) {
	var reply *mysql.MySQLError
	switch {
	case err == nil, errors.Is(err, context.Canceled): // the caller has gone
	case errors.As(err, &reply) && !refusesWrites(reply.Number):
	default:
		c.connector.moves.CompareAndSwap(c.moves, c.moves+1)
	}
}

// refusesWrites tells whether an error says that the server or the session takes no writes, or that
// the group refuses this transaction. Nothing of the transaction is written then.
func refusesWrites(number uint16) bool {
	switch number {
	case 1290, 1836, // --read-only, read-only mode
		1792, // a transaction that is READ ONLY
		3098, // the table does not comply with the group's requirements
		4094: // the group is handing the primary over
		return true
	}
	return false
}
