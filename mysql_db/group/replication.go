package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// startTime is the timeout of START GROUP_REPLICATION.
const startTime = 3 * time.Minute

// startReplication joins a group, named by its UUID, through the seeds, which are IP addresses of
// members. With bootstrap it starts the group.
func startReplication(
	ctx context.Context, db *sql.DB, group, password string, seeds []string, bootstrap bool,
) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for i := range seeds {
		seeds[i] = net.JoinHostPort(seeds[i], "3306")
	}
	_, err := db.ExecContext(ctx, "SET GLOBAL group_replication_group_name = ?, "+
		"GLOBAL group_replication_group_seeds = ?, GLOBAL group_replication_bootstrap_group = ?",
		group, strings.Join(seeds, ","), bootstrap)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx,
		"START GROUP_REPLICATION USER = '"+account+"', PASSWORD = '"+password+"'")
	// The next statements have to be sent even if the start took so long that ctx has ended.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, off := db.ExecContext(ctx, "SET GLOBAL group_replication_bootstrap_group = OFF")
	if err != nil {
		// A start that failed may have left a part running.
		_, stop := db.ExecContext(ctx, "STOP GROUP_REPLICATION")
		return errors.Join(err, off, stop)
	}
	return off
}

// joinLock names a lock in the primary's server. Its holder may join, change accounts, or renew the
// group's configuration: one at a time. In a group of one, MySQL 9.7 would otherwise hang: a change
// of accounts waits for the new member, which can't log in to the primary before that change is
// complete. And a copy that joins while the configuration changes may find no group. Until that
// copy gives up, after a minute, the group confirms nothing. 2 of 20 copies that joined again after
// they were killed found no group.
// bin/db-admin contains the name, too.
const joinLock = "simpleapp join the group"

// takeJoinLock takes the joinLock in a server. It returns the session that holds it, and whether
// all members are online. The session is nil if another session has the lock, or if the server is
// not the primary any more. The caller ends the session with endSession.
func takeJoinLock(ctx context.Context, db *sql.DB) (conn *sql.Conn, allOnline bool, err error) {
	conn, err = takeLock(ctx, db, joinLock)
	if err != nil || conn == nil {
		return nil, false, err
	}
	var isPrimary bool
	err = conn.QueryRowContext(ctx, `SELECT COALESCE(SUM(member_id = @@server_uuid
			AND member_state = 'ONLINE' AND member_role = 'PRIMARY'), 0) = 1,
		COALESCE(SUM(member_state <> 'ONLINE'), 0) = 0
		FROM performance_schema.replication_group_members`).Scan(&isPrimary, &allOnline)
	if err != nil || !isPrimary {
		endSession(conn)
		return nil, false, err
	}
	return conn, allOnline, nil
}

// join joins the group of the primary, unless another copy is joining at the moment.
func (m *member) join(ctx context.Context, primary Status, seeds []string) error {
	db := openOther(primary.Address, m.password)
	defer db.Close()
	conn, allOnline, err := takeJoinLock(ctx, db)
	if err != nil || conn == nil {
		return err // the next step tries again
	}
	defer endSession(conn)
	// If this machine dies, the primary ends the session, and releases the lock.
	if _, err := conn.ExecContext(ctx, "SET SESSION wait_timeout = 30"); err != nil {
		return err
	}
	if allOnline && primary.Queue == 0 {
		// Until the configuration is renewed, this copy would dial the addresses of copies that
		// left, and its own old one. If that fails for a minute, this copy joins all the same.
		if err := renewConfiguration(ctx, conn); err != nil {
			if time.Since(m.wanted) < time.Minute {
				return fmt.Errorf("join the group of %s: %w", primary.Node, err)
			}
			log.Print(err)
		}
	}
	defer keepAlive(ctx, conn)()
	log.Printf("joining the group of %s", primary.Node)
	return startReplication(ctx, m.db, primary.Group, m.password, seeds, false)
}

// renewConfiguration makes the group's members forget older configurations. They keep the last few,
// and each change of the write concurrency makes a new one. At the end it is 10 again, the default.
// The session holds the joinLock of a primary that has executed all that it has, in a group whose
// members are all online.
func renewConfiguration(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, wanted := range []int{11, 10, 11, 10} {
		_, err := conn.ExecContext(ctx, "DO group_replication_set_write_concurrency(?)", wanted)
		for now := 0; err == nil && now != wanted; sleep(ctx, 10*time.Millisecond) {
			err = conn.QueryRowContext(ctx, "SELECT group_replication_get_write_concurrency()").
				Scan(&now)
		}
		if err != nil {
			return fmt.Errorf("forget the addresses of copies that left: %w", err)
		}
	}
	return nil
}

// takeLock takes a lock in a server. It returns the session that holds the lock, or nil if another
// session holds it. The caller ends the session with endSession, which releases the lock.
func takeLock(ctx context.Context, db *sql.DB, name string) (*sql.Conn, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var locked sql.NullBool
	err = conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", name).Scan(&locked)
	if err != nil || !locked.Bool {
		endSession(conn)
		return nil, err
	}
	return conn, nil
}

// keepAlive keeps an idle session alive until the caller calls stop.
func keepAlive(ctx context.Context, conn *sql.Conn) (stop func()) {
	ctx, stop = context.WithCancel(ctx)
	go func() {
		for ; ctx.Err() == nil; sleep(ctx, 5*time.Second) {
			conn.PingContext(ctx)
		}
	}()
	return stop
}

// endSession ends a session, in place of giving its connection back to the pool.
func endSession(conn *sql.Conn) {
	conn.Raw(func(any) error { return driver.ErrBadConn })
}

// lockName names a lock in each server. Before a copy starts the group, it takes the lock in its
// own server and in each other one that may answer, so that only one copy starts it.
const lockName = "simpleapp start the group"

// lock takes the lock in this copy and in the others, and checks under it that none of the others
// has entered a group or changed its data. The caller calls unlock when the group has started. The
// Statuses in others are some seconds old, so lock asks each server again.
func lock(
	ctx context.Context, own *sql.DB, others []peer, password string,
) (unlock func(), err error) {
	var held []func()
	unlock = func() {
		for _, release := range held {
			release()
		}
	}
	take := func(db *sql.DB, where string, check func() error) error {
		conn, err := takeLock(ctx, db, lockName)
		if err != nil {
			return err
		}
		if conn == nil {
			return fmt.Errorf("%s helps another copy to start the group", where)
		}
		held = append(held, func() { endSession(conn) })
		return check()
	}
	err = take(own, "this copy", func() error { return nil })
	for _, other := range others {
		if err != nil {
			break
		}
		if other.State == empty || other.State == copying || other.State == starting {
			continue // it has no server that answers, and can't start the group without this lock
		}
		db := openOther(other.Address, password)
		held = append(held, func() { db.Close() })
		err = take(db, other.Node, func() error {
			now := Status{}
			if err := readStatus(ctx, db, &now); err != nil {
				return err
			}
			if now.UUID != other.UUID || now.State != waiting ||
				now.Transactions != other.Transactions {
				return fmt.Errorf("%s is in a group, or has changed meanwhile", other.Node)
			}
			return nil
		})
	}
	if err != nil {
		unlock()
	}
	return unlock, err
}

// copyFrom replaces everything in this server, which nobody else uses, by the data of a donor, and
// ends the server. A donor serves one copy at a time.
func copyFrom(ctx context.Context, db *sql.DB, donor, password string) error {
	_, err := db.ExecContext(ctx, "SET GLOBAL clone_valid_donor_list = ?", donor+":3306")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "CLONE INSTANCE FROM "+account+"@'"+donor+"':3306 "+
		"IDENTIFIED BY '"+password+"' REQUIRE SSL")
	// 3707: the data is there, and the server has ended because nothing could start it again.
	var reply *mysql.MySQLError
	if errors.As(err, &reply) && reply.Number == 3707 {
		return nil
	}
	return err
}
