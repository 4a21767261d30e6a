package cluster

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"simpleapp/test/engine"
)

// fallBehind lets all copies but the primary execute nothing, ends the primary, and lets the others
// go on after more than a minute. Docker must not end their containers meanwhile.
func (c *cluster) fallBehind() {
	c.Helper()
	old := c.primary()
	copies := map[int]string{}
	for _, node := range c.up {
		if node != old {
			copies[node] = c.db(node)
		}
	}
	release := c.holdOthers(old)
	c.killCopy(old)
	c.awaitOtherPrimary(old)
	c.pause(70 * time.Second) // four failures of the health check take less
	for node, before := range copies {
		if err := c.behind(node); err != nil {
			c.Errorf("the copy of node%d is not held any more: %v", node, err)
		}
		if now := c.db(node); now != before {
			c.Errorf("the container of node%d's copy was ended: it was %s and is %s",
				node, before, now)
		}
	}
	release()
}

// holdOthers lets all copies but the primary execute nothing of what they receive, until the caller
// calls release or they end.
func (c *cluster) holdOthers(primary int) (release func()) {
	c.Helper()
	var held sync.WaitGroup
	var nodes []int
	for _, node := range c.up {
		if node == primary {
			continue
		}
		nodes = append(nodes, node)
		held.Go(func() { // runs until KILL. The method behind tells whether the copy is held
			c.sql(node, "FLUSH TABLES WITH READ LOCK; DO SLEEP(600)")
		})
		engine.Eventually(c, fmt.Sprintf("node%d is behind", node),
			func() error { return c.behind(node) })
	}
	return func() {
		c.Helper()
		for _, node := range nodes {
			kill, err := c.sql(node, `SELECT CONCAT('KILL ', id, ';')
				FROM information_schema.processlist WHERE info LIKE 'DO SLEEP%'`)
			if err == nil {
				kill, err = c.sql(node, kill)
			}
			if err != nil {
				c.Errorf("let the copy of node%d go on: %v\n%s", node, err, kill)
			}
		}
		held.Wait()
	}
}

// behind returns an error if a node's copy has executed all that it has received.
func (c *cluster) behind(node int) error {
	queue, err := c.sql(node, `SELECT count_transactions_remote_in_applier_queue
		FROM performance_schema.replication_group_member_stats
		WHERE member_id = @@server_uuid`)
	if err == nil && queue == "0" {
		err = errors.New("it has executed everything")
	}
	return err
}

// awaitOtherPrimary waits until another copy than the old one is the primary.
func (c *cluster) awaitOtherPrimary(old int) {
	c.Helper()
	engine.Eventually(c, "another copy is the primary", func() error {
		if c.primary() == old {
			return errors.New("it is the old one")
		}
		return nil
	})
}
