package main

import (
	"context"
	"database/sql"
)

// A catchUp finds out when a member has executed the transactions that it had received at the first
// step. MySQL certifies each transaction first, and only then gives it a GTID.
type catchUp struct {
	// goal is a number of certified transactions: once MySQL has certified so many, it has
	// certified those of the first step. goal adds up those that MySQL had certified then, those in
	// its queue, and one that may have been in neither count, because it was being certified.
	goal      int64
	certified bool // MySQL has certified those of the first step
	// due is a GTID set that contains those of the first step, or "" as long as it is not known.
	due string
}

// step looks how far the member is. It returns true when the transactions of the first step are
// executed and flushed. db-group calls it about once a second.
func (c *catchUp) step(ctx context.Context, db *sql.DB) (done bool, err error) {
	if c.due != "" {
		err = db.QueryRowContext(ctx, "SELECT GTID_SUBSET(?, @@global.gtid_executed)", c.due).
			Scan(&done)
		return done, err
	}
	var checked, queued int64
	var received string
	err = db.QueryRowContext(ctx, `SELECT count_transactions_checked, count_transactions_in_queue,
		`+selectReceived+`
		FROM performance_schema.replication_group_member_stats
		WHERE member_id = @@server_uuid`).Scan(&checked, &queued, &received)
	switch {
	case err != nil:
	case c.goal == 0:
		c.goal = checked + queued + 1
	case !c.certified:
		// Packets that are no transactions count in the queue, but not in checked. So checked may
		// never reach goal, and an empty queue is enough.
		c.certified = queued == 0 || checked >= c.goal
	default: // one step later, because MySQL may just have been adding the last one to received
		c.due = received + "," // the comma changes nothing, and due is not empty
	}
	return false, err
}
