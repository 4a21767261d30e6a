package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// account is the MySQL account with which the copies log in to each other.
const account = "simpleapp_group"

// openOwn opens this container's server as root, through the socket.
func openOwn() *sql.DB {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr = "root", "unix", "/var/run/mysqld/mysqld.sock"
	cfg.InterpolateParams, cfg.Logger = true, &mysql.NopLogger{}
	return open(cfg)
}

// openOther opens the server of another copy.
func openOther(address, password string) *sql.DB {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net = account, password, "tcp"
	cfg.Addr = net.JoinHostPort(address, "3306")
	// Each server made its own certificate, and the authority that signed it.
	cfg.TLSConfig = "skip-verify"
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = 2*time.Second, 5*time.Second, 5*time.Second
	cfg.InterpolateParams, cfg.Logger = true, &mysql.NopLogger{}
	return open(cfg)
}

func open(cfg *mysql.Config) *sql.DB {
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		panic(err) // every field is set above
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(1)
	return db
}

// makeAccount makes the account in this server, and does not replicate it (sql_log_bin), because a
// copy needs the account before it is in a group. A copy that joins uses the account on the
// primary, to renew the group's configuration. Operators' commands use it, too, to change the app's
// password, and to make temporary accounts on a primary that is on another node.
func makeAccount(ctx context.Context, db *sql.DB, password string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, statement := range []string{
		"SET sql_log_bin = 0",
		"CREATE USER IF NOT EXISTS " + account + "@'%'",
		"ALTER USER " + account + "@'%' IDENTIFIED BY '" + password + "' REQUIRE SSL",
		"GRANT REPLICATION SLAVE, BACKUP_ADMIN, GROUP_REPLICATION_STREAM, " +
			"GROUP_REPLICATION_ADMIN, CONNECTION_ADMIN, CREATE USER, APPLICATION_PASSWORD_ADMIN " +
			"ON *.* TO " + account + "@'%'",
		"GRANT SELECT ON mysql.user TO " + account + "@'%'",
		"GRANT SELECT ON performance_schema.* TO " + account + "@'%'",
		"GRANT ALL ON simple_db.* TO " + account + "@'%' WITH GRANT OPTION",
		"SET sql_log_bin = 1",
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("make the account of the copies: %w", err)
		}
	}
	return nil
}

// serves returns nil once the server serves the network. The server of a first start does not.
func serves(ctx context.Context, db *sql.DB) error {
	var alone bool
	if err := db.QueryRowContext(ctx, "SELECT @@skip_networking").Scan(&alone); err != nil {
		return err
	}
	if alone {
		return errors.New("the first start is not complete")
	}
	return nil
}

// selectReceived selects the GTID set of the transactions that the server has received from the
// group. It is empty if the server never was in one.
const selectReceived = `COALESCE((SELECT received_transaction_set
	FROM performance_schema.replication_connection_status
	WHERE channel_name = 'group_replication_applier'), '')`

// readStatus fills in what the server knows. Its answer is complete or an error. A member counts as
// joining until its record names the group, because other copies read the name from that record.
func readStatus(ctx context.Context, db *sql.DB, s *Status) error {
	var member, role, group, others string
	err := db.QueryRowContext(ctx, `SELECT @@server_uuid,
		COALESCE(@@group_replication_group_name, ''),
		CONCAT(@@global.gtid_executed, ',', `+selectReceived+`),
		@@global.gtid_purged,
		COALESCE((SELECT member_state FROM performance_schema.replication_group_members
			WHERE member_id = @@server_uuid), 'OFFLINE'),
		COALESCE((SELECT member_role FROM performance_schema.replication_group_members
			WHERE member_id = @@server_uuid), ''),
		COALESCE((SELECT count_transactions_remote_in_applier_queue
			FROM performance_schema.replication_group_member_stats
			WHERE member_id = @@server_uuid), 0),
		COALESCE((SELECT GROUP_CONCAT(member_id)
			FROM performance_schema.replication_group_members
			WHERE member_id <> @@server_uuid AND member_state IN ('ONLINE', 'UNREACHABLE')), '')`).
		Scan(&s.UUID, &group, &s.Transactions, &s.Purged, &member, &role, &s.Queue, &others)
	if err != nil {
		return err
	}
	s.Others = strings.FieldsFunc(others, func(r rune) bool { return r == ',' })
	s.Transactions = strings.Join(strings.Fields(s.Transactions), "")
	s.Purged = strings.Join(strings.Fields(s.Purged), "")
	switch {
	case member == "ONLINE" && s.Group == group:
		s.State = online
	case member == "ONLINE", member == "RECOVERING":
		s.State = joining
	case member == "ERROR": // see exit_state_action in group.cnf
		s.State = leaving
	default:
		s.State = waiting
	}
	s.Primary = s.State == online && role == "PRIMARY"
	return nil
}

// readGroup returns the group of a member and the UUIDs of its members, whether they can be reached
// at the moment or not.
func readGroup(ctx context.Context, db *sql.DB) (r record, err error) {
	err = db.QueryRowContext(ctx, "SELECT @@group_replication_group_name").Scan(&r.Group)
	if err != nil {
		return r, err
	}
	rows, err := db.QueryContext(ctx, `SELECT member_id
		FROM performance_schema.replication_group_members
		WHERE member_state IN ('ONLINE', 'UNREACHABLE', 'RECOVERING') ORDER BY member_id`)
	if err != nil {
		return r, err
	}
	defer rows.Close()
	for rows.Next() {
		var uuid string
		if err := rows.Scan(&uuid); err != nil {
			return r, err
		}
		r.Members = append(r.Members, uuid)
	}
	return r, rows.Err()
}

// A groupMember is another member of this copy's group.
type groupMember struct {
	uuid, address string
	reachable     bool
	online        bool // it has the group's data
}

// otherMembers returns the other members, whether they can be reached at the moment or not.
func otherMembers(ctx context.Context, db *sql.DB) (members []groupMember, err error) {
	rows, err := db.QueryContext(ctx, `SELECT member_id, member_host,
			member_state <> 'UNREACHABLE', member_state = 'ONLINE'
		FROM performance_schema.replication_group_members
		WHERE member_id <> @@server_uuid
			AND member_state IN ('ONLINE', 'UNREACHABLE', 'RECOVERING')`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m groupMember
		err := rows.Scan(&m.uuid, &m.address, &m.reachable, &m.online)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, rows.Err()
}

func addressesOf(members []groupMember) (addresses []string) {
	for _, m := range members {
		addresses = append(addresses, m.address)
	}
	return addresses
}

// compare compares another copy's transactions with those of this one.
func compare(ctx context.Context, db *sql.DB, self, other Status) (p peer, err error) {
	p.Status = other
	if other.State == empty || other.State == copying || other.State == starting {
		return p, nil
	}
	err = db.QueryRowContext(ctx,
		"SELECT NOT GTID_SUBSET(?, ?), NOT GTID_SUBSET(?, ?), NOT GTID_SUBSET(?, ?)",
		other.Transactions, self.Transactions, self.Transactions, other.Transactions,
		other.Purged, self.Transactions).Scan(&p.ahead, &p.behind, &p.purged)
	if p.ahead && p.behind && self.Group == other.Group {
		a, b := parseGTIDs(self.Transactions), parseGTIDs(other.Transactions)
		p.mergeable = a.differsOnlyIn(self.Group, b) && b.differsOnlyIn(self.Group, a) &&
			parseGTIDs(self.Purged).without(b) == 0 && parseGTIDs(other.Purged).without(a) == 0
	}
	return p, err
}
