package cluster

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"simpleapp/test/engine"
	"simpleapp/test/load"
)

// An act is something that happens to the machines while visitors use the site.
type act struct {
	name string
	most limits
	do   func(*cluster, *load.Load)
}

// limits are the most that visitors may notice of an act.
type limits struct {
	aim         time.Duration // for the gap. The log of the test tells when it is longer
	gap         time.Duration // the longest time without a confirmed submission
	failedPages int           // home pages
}

// The aims are those of the table in docs/operate.md. The limits are wider, because this machine
// does the work of all machines of the site. When a machine dies, the requests that are in flight
// there may fail.
var (
	unchecked   = limits{} // most of the copies are gone, or the act is about another site
	nothingDies = limits{aim: 10 * time.Second, gap: 25 * time.Second}
	machineDies = limits{aim: 10 * time.Second, gap: 25 * time.Second, failedPages: 100}
	diskFills   = limits{aim: 30 * time.Second, gap: 40 * time.Second}
)

// short are the acts of make test-cluster.
var short = []act{
	{"the primary is killed", nothingDies, func(c *cluster, _ *load.Load) {
		c.killCopy(c.primary())
	}},
	{"a planned restart of every copy", nothingDies, func(c *cluster, _ *load.Load) {
		c.docker(c.up[0], "service", "update", "--quiet", "--force", "mystack_db")
	}},
	{"the machine of the primary loses power", machineDies, func(c *cluster, l *load.Load) {
		c.outage(l, "kill", "boot", c.primary(), nil)
	}},
	{"operators work while a machine is down", machineDies, func(c *cluster, l *load.Load) {
		c.outage(l, "kill", "boot", c.secondary(), c.operate)
	}},
	{"two machines lose power", unchecked, func(c *cluster, l *load.Load) {
		first, second := c.up[1], c.up[2]
		l.Through(c.addressesWithout(first, second)...)
		c.lose("kill", first, second)
		c.awaitWaiting(c.up[0])
		c.regain("boot", first)
		c.awaitWaiting(first)
		c.wantNoneConfirmed(l)
		c.regain("boot", second)
	}},
	allLosePower(3, 1, 2),
	startsAgain(1),
	{"a volume is lost", nothingDies, func(c *cluster, _ *load.Load) { c.wipe(c.secondary()) }},
	{"a copy has what the group lacks", nothingDies, func(c *cluster, _ *load.Load) {
		node := c.secondary()
		c.diverge(node)
		c.discard(node)
	}},
}

// further are the other acts of make test-cluster-all.
var further = []act{
	{"the primary is killed ten times", nothingDies, func(c *cluster, _ *load.Load) {
		for range 10 {
			c.killCopy(c.primary())
			c.awaitGreen()
		}
	}},
	{"the group is killed beside a copy that it has refused", unchecked, func(
		c *cluster, l *load.Load,
	) {
		node := c.secondary()
		c.diverge(node)
		c.killAllCopiesBut(node)
		c.awaitConfirmed(l, 20)
		c.discard(node)
	}},
	{"the network cable of the primary is pulled for a minute", machineDies, func(
		c *cluster, l *load.Load,
	) {
		c.outage(l, "cut", "join", c.primary(), func() {
			c.pause(time.Minute)
		})
	}},
	{"a machine without the primary loses power", machineDies, func(c *cluster, l *load.Load) {
		c.outage(l, "kill", "boot", c.secondary(), nil)
	}},
	{"a copy is away for longer than the binary log reaches", machineDies, func(
		c *cluster, l *load.Load,
	) {
		c.outage(l, "kill", "boot", c.secondary(), func() {
			for _, node := range c.up {
				if out, err := c.sql(node, "FLUSH BINARY LOGS; "+
					"PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY"); err != nil {
					c.Errorf("purge the binary log of node%d: %v\n%s", node, err, out)
				}
			}
		})
	}},
	allLosePower(1, 2, 3),
	allLosePower(1, 3, 2),
	allLosePower(2, 1, 3),
	allLosePower(2, 3, 1),
	allLosePower(3, 2, 1),
	startsAgain(3),
	{"all lose power, and one comes back a minute late", unchecked, func(c *cluster, l *load.Load) {
		c.cutPower(l)
		c.regain("boot", 1)
		c.regain("boot", 2)
		l.Through(c.addresses()...) // no replica is healthy before the database is
		c.awaitWaiting(1)
		c.pause(time.Minute)
		c.wantNoneConfirmed(l)
		c.regain("boot", 3)
	}},
	{"a machine is drained", nothingDies, func(c *cluster, l *load.Load) {
		node := c.secondary()
		l.Through(c.addressesWithout(node)...)
		c.drain(node)
	}},
	{"a manager is demoted, loses its volume, and is promoted", nothingDies, func(
		c *cluster, _ *load.Load,
	) {
		node := c.secondary()
		c.makePrimary(node)
		c.demote(node)
		c.awaitMembers(2)
		c.awaitGreen()
		c.removeVolume(node)
		c.promote(node)
		c.awaitMembers(3)
	}},
	{"db gets another image", nothingDies, func(c *cluster, _ *load.Load) {
		c.updateDB()
	}},
	{"the disk of the primary fills", diskFills, func(c *cluster, l *load.Load) { c.fillDisk(l) }},
	{"the machine of cache loses power, and cache may move", machineDies, func(
		c *cluster, l *load.Load,
	) {
		c.make("deploy", "CACHE_PLACEMENT=node.role == manager")
		c.loseCache(l, func() {})
		c.make("deploy", "CACHE_PLACEMENT=node.labels.mystack.cache == true")
		c.awaitCache(1) // where its old volume still is
	}},
	{"the machine of cache loses power, and an operator moves cache", machineDies, func(
		c *cluster, l *load.Load,
	) {
		c.loseCache(l, func() { c.make("swarm-init", "CACHE_NODE=node2") })
		c.make("swarm-init", "CACHE_NODE=node1")
		c.awaitCache(1)
	}},
	{"docker-stack.yml alone makes a second site", unchecked, func(c *cluster, _ *load.Load) {
		c.stackFileAlone()
	}},
	{"a second site, of an older version, gets copies of its database", unchecked, func(
		c *cluster, _ *load.Load,
	) {
		c.upgradeOlderSite()
	}},
	{"a machine never comes back", unchecked, func(c *cluster, l *load.Load) {
		lost := c.up[2]
		l.Through(c.addressesWithout(c.up[1], lost)...)
		c.lose("kill", c.up[1], lost)
		c.awaitWaiting(c.up[0])
		c.regain("boot", 2)
		c.awaitWaiting(2)
		out, err := c.tryMake("db-recover")
		if err == nil || !strings.Contains(out, "make db-recover NODE=") {
			c.Errorf("make db-recover = %v, want that it names the remedy\n%s", err, out)
		}
		c.make("db-recover", "NODE=node1")
		engine.Eventually(c, "the group of the others serves", func() error {
			if p := c.primary(); p != 1 {
				return fmt.Errorf("node%d is the primary, want node1", p)
			}
			return nil
		})
		c.regain("boot", lost) // it has nothing that the group lacks, and joins
	}},
	{"the primary is killed while the others are behind", unchecked, func(
		c *cluster, _ *load.Load,
	) {
		c.fallBehind()
	}},
	{"a large backup is restored", nothingDies, func(c *cluster, _ *load.Load) {
		c.restoreMany()
	}},
}

// allLosePower returns an act in which all machines lose power, and boot in an order.
func allLosePower(order ...int) act {
	return act{fmt.Sprintf("all lose power, and boot in the order %v", order), unchecked,
		func(c *cluster, l *load.Load) { c.allLosePower(l, order...) }}
}

// startsAgain returns an act in which the site ends and starts again, a number of times. Each time,
// all copies join while accounts change.
func startsAgain(times int) act {
	return act{fmt.Sprintf("the site ends, and starts again, %d ×", times), unchecked,
		func(c *cluster, l *load.Load) {
			l.Through("127.0.0.1:1") // nothing is there
			for range times {
				c.make("undeploy")
				c.make("deploy")
			}
			c.readmit(l)
		}}
}

// TestCluster runs the acts one after the other on one site, as its life would.
func TestCluster(t *testing.T) {
	acts := short
	if os.Getenv("CLUSTER_ACTS") == "all" {
		acts = append(acts, further...)
	}
	c := newCluster(t, 3)
	for _, act := range acts {
		ok := t.Run(act.name, func(t *testing.T) {
			c := c.in(t)
			c.underLoad(act)
		})
		if !ok {
			t.Fatal("the next acts need a site that works")
		}
	}
	if len(acts) > len(short) {
		t.Run("all copies are lost", func(t *testing.T) {
			c.in(t).loseAllCopies()
		})
		t.Run("most machines are lost", func(t *testing.T) {
			c.in(t).loseMostMachines()
		})
	}
}
