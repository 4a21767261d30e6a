package main

import (
	"context"
	"database/sql"
)

// A catchUp finds out when a member has executed all that it had received at the first step.
type catchUp struct {
	goal      int64  // how many transactions are certified once those of the first step are
	certified bool   // they are
	due       string // a GTID set: they are in it, and it is executed at the end
}

// step looks how far the member is, and returns whether all is executed and flushed. It is called
// about once a second.
func (c *catchUp) step(ctx context.Context, db *sql.DB) (done bool, err error) {
	if c.due != "" {
		err = db.QueryRowContext(ctx, "SELECT GTID_SUBSET(?, @@global.gtid_executed)", c.due).
			Scan(&done)
		return done, err
	}
	var checked, queued int64
	var received string
	err = db.QueryRowContext(ctx, `SELECT count_transactions_checked, count_transactions_in_queue,
		COALESCE((SELECT received_transaction_set
			FROM performance_schema.replication_connection_status
			WHERE channel_name = 'group_replication_applier'), '')
		FROM performance_schema.replication_group_member_stats
		WHERE member_id = @@server_uuid`).Scan(&checked, &queued, &received)
	switch {
	case err != nil:
	case c.goal == 0:
		c.goal = checked + queued + 1
	case !c.certified: // the queue also has packets that are no transactions
		c.certified = queued == 0 || checked >= c.goal
	default: // one step later, so that the last one is received
		c.due = received + "," // never empty
	}
	return false, err
}
