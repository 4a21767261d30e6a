package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/go-sql-driver/mysql"
)

// fetchChannel is the SQL clause that names the replication channel of fetch.
const fetchChannel = " FOR CHANNEL 'fetch'"

// fetch gets the transactions that another copy of the last group has and this one lacks, by
// MySQL's replication. The group has certified all of them, so they conflict with none that this
// copy has.
//
// A primary may write two concurrent transactions to its disk in another order than the group's. If
// all machines lose power between the two, the primary has one that a secondary lacks, and lacks
// one that the secondary has.
//
// If the channel can't be removed after the fetch, the error contains errEndServer.
func (m *member) fetch(ctx context.Context, from Status) (err error) {
	log.Printf("fetching from %s the transactions that this copy lacks", from.Node)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := m.endFetch(ctx); err != nil {
		return err
	}
	defer func() {
		if end := m.endFetch(context.WithoutCancel(ctx)); end != nil {
			err = fmt.Errorf("%w: %w", errors.Join(err, end), errEndServer)
		}
	}()
	for _, statement := range []string{
		"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '" + from.Address + "', SOURCE_PORT = 3306, " +
			"SOURCE_USER = '" + account + "', SOURCE_PASSWORD = '" + m.password + "', " +
			"SOURCE_SSL = 1, SOURCE_AUTO_POSITION = 1" + fetchChannel,
		"START REPLICA" + fetchChannel,
	} {
		if _, err := m.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("fetch from %s: %w", from.Node, err)
		}
	}
	var missing bool
	err = m.db.QueryRowContext(ctx, "SELECT WAIT_FOR_EXECUTED_GTID_SET(?, 50)",
		from.Transactions).Scan(&missing)
	if err == nil && missing {
		err = errors.New("they have not come in 50 s")
	}
	if err != nil {
		return fmt.Errorf("fetch from %s: %w", from.Node, err)
	}
	return nil
}

// endFetch removes the channel, also one that was left when the server ended during a fetch.
func (m *member) endFetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, statement := range []string{"STOP REPLICA", "RESET REPLICA ALL"} {
		_, err := m.db.ExecContext(ctx, statement+fetchChannel)
		var reply *mysql.MySQLError
		if errors.As(err, &reply) && reply.Number == 3074 { // there is no such channel
			return nil
		}
		if err != nil {
			return fmt.Errorf("end the fetch: %w", err)
		}
	}
	return nil
}
