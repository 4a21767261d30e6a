package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"simpleapp/test/engine"
	"simpleapp/test/load"
)

// cutPower takes the power from all nodes at once.
func (c *cluster) cutPower(l *load.Load) {
	c.Helper()
	var all sync.WaitGroup
	errs := make([]error, len(c.up))
	for i, node := range c.up {
		all.Go(func() { errs[i] = c.tryPlay("kill", node) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		c.Fatal(err)
	}
	c.up = nil
	l.Through("127.0.0.1:1") // nothing is there
}

// allLosePower takes the power from all nodes at once, and boots them in an order.
func (c *cluster) allLosePower(l *load.Load, order ...int) {
	c.Helper()
	c.cutPower(l)
	for _, node := range order {
		c.regain("boot", node)
	}
	l.Through(c.addresses()...)
	c.awaitConfirmed(l, 1)
	c.Logf("a submission was stored %.0f s after the last machine was turned on: the aim is 60 s",
		time.Since(c.regained).Seconds())
}

// crossGaps lets each of two copies have a transaction of their group that the other lacks, as a
// power loss between two concurrent writes does. Then all copies come back.
func (c *cluster) crossGaps(l *load.Load) {
	c.Helper()
	l.Through(c.addressesWithout(2, 3)...)
	c.lose("kill", 2, 3)
	c.awaitWaiting(1)
	c.regain("boot", 2)
	c.awaitWaiting(2)
	group, err := c.inDB(1, "grep", "-oP", `"group":"\K[^"]*`, "/var/lib/mysql/.group.json")
	if err != nil {
		c.Fatalf("the group of node1: %v\n%s", err, group)
	}
	ids := map[int]string{}
	for _, node := range c.up {
		if ids[node], err = c.sql(node, "SELECT @@server_id"); err != nil {
			c.Fatalf("the id of node%d: %v\n%s", node, err, ids[node])
		}
	}
	// Each transaction has the server id of the other copy, as if that had been the primary.
	for node, number := range map[int]int{1: 1_000_001, 2: 1_000_002} {
		for _, statements := range []string{
			"SET GLOBAL super_read_only = OFF; SET GLOBAL server_id = " + ids[3-node],
			fmt.Sprintf("SET GTID_NEXT = '%s:%d'; BEGIN; COMMIT", group, number),
			"SET GLOBAL server_id = " + ids[node],
		} {
			if out, err := c.sql(node, statements); err != nil {
				c.Fatalf("a transaction of node%d alone: %v\n%s", node, err, out)
			}
		}
	}
	c.regain("boot", 3)
	c.awaitGreen()
	for _, node := range c.up {
		out, err := c.sql(node, fmt.Sprintf(
			"SELECT GTID_SUBSET('%s:1000001-1000002', @@global.gtid_executed)", group))
		if err != nil || out != "1" {
			c.Errorf("the copy of node%d lacks one of the two transactions: %s, %v", node, out, err)
		}
	}
}

// losePowerInTurn takes the power from the primary's machine first, and from the others before
// their copies have executed what the primary had confirmed. Without power a copy loses what it has
// only received. So the others must wait for the first machine.
func (c *cluster) losePowerInTurn(l *load.Load) {
	c.Helper()
	first := c.primary()
	others := slices.DeleteFunc(slices.Clone(c.up), func(n int) bool { return n == first })
	c.holdOthers(first)
	c.awaitConfirmed(l, 20)
	l.Through("127.0.0.1:1") // nothing is there
	c.lose("kill", first)
	c.awaitOtherPrimary(first)
	for _, node := range others {
		c.awaitRecord(node)
	}
	c.lose("kill", others...)
	for _, node := range others {
		c.regain("boot", node)
	}
	for _, node := range others {
		c.awaitWaiting(node)
	}
	c.regain("boot", first)
}

// awaitRecord waits until a node's copy, which is a member, has noted who the members are now. It
// renews the time of its record every second.
func (c *cluster) awaitRecord(node int) {
	c.Helper()
	written := func() (seconds string) {
		out, err := c.inDB(node, "stat", "--format=%Y", "/var/lib/mysql/.group.json")
		if err != nil {
			c.Fatalf("look at the record of node%d: %v\n%s", node, err, out)
		}
		return out
	}
	for range 2 { // the first renewal may come from a look that began before this call
		before := written()
		engine.Eventually(c, fmt.Sprintf("node%d renews its record", node), func() error {
			if written() == before {
				return errors.New("it has the same time")
			}
			return nil
		})
	}
}

// failToStart kills all copies, and lets MySQL refuse to start the group for some time.
func (c *cluster) failToStart() {
	c.Helper()
	for _, node := range c.up {
		// With this protocol the group would need a port of its own.
		if out, err := c.sql(node,
			"SET PERSIST_ONLY group_replication_communication_stack = 'XCOM'"); err != nil {
			c.Fatalf("set the protocol of node%d: %v\n%s", node, err, out)
		}
	}
	c.killAllCopiesBut(0) // no node has the number 0
	engine.Eventually(c, "a copy fails to start the group", func() error {
		for _, node := range c.up {
			log, err := c.tryDocker(node, "logs", c.db(node))
			if err == nil && strings.Contains(log, "start the group: Error") {
				return nil
			}
		}
		return errors.New("no copy says so")
	})
	for _, node := range c.up {
		if out, err := c.inDB(node, "rm", "/var/lib/mysql/mysqld-auto.cnf"); err != nil {
			c.Fatalf("set the protocol of node%d back: %v\n%s", node, err, out)
		}
	}
	c.killAllCopiesBut(0) // the servers that did not start the group still have the protocol
}
