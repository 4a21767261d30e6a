package cluster

import (
	"fmt"

	"simpleapp/test/engine"
	"simpleapp/test/load"
)

// cache returns the node that cache runs on, or 0 if there is none.
func (c *cluster) cache() int { return c.nodeOf("cache") }

// loseCache takes the power from the machine of cache, calls move, waits until visits are counted
// without that machine, and boots it.
func (c *cluster) loseCache(l *load.Load, move func()) {
	c.Helper()
	c.cacheLost = true
	c.outage(l, "kill", "boot", c.cache(), func() {
		move()
		c.awaitVisits()
	})
	c.awaitGreen()
}

// awaitCache waits until cache runs on a node, and visits are counted.
func (c *cluster) awaitCache(node int) {
	c.Helper()
	engine.Eventually(c, fmt.Sprintf("cache runs on node%d", node), func() error {
		if now := c.cache(); now != node {
			return fmt.Errorf("it runs on node%d", now)
		}
		return nil
	})
	c.awaitVisits()
}

// awaitVisits waits until home pages show the number of visits on each node that is up.
func (c *cluster) awaitVisits() {
	c.Helper()
	c.awaitPages("Visits: ")
}
