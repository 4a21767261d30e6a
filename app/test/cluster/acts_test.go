package cluster

import (
	"fmt"
	"os"
	"testing"
	"time"

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

// Each aim is that of the table in docs/performance.md, or 10 s if the table has none. The limits
// are wider, because this machine does the work of all machines of the site. When a machine dies,
// the requests that are in flight there may fail.
var (
	unchecked   = limits{} // most of the copies are gone or held, or the act is about another site
	handsOver   = limits{aim: 2 * time.Second, gap: 25 * time.Second}
	nothingDies = limits{aim: 10 * time.Second, gap: 25 * time.Second}
	otherDies   = limits{aim: 3 * time.Second, gap: 25 * time.Second, failedPages: 100}
	machineDies = limits{aim: 10 * time.Second, gap: 25 * time.Second, failedPages: 100}
	diskFills   = limits{aim: 30 * time.Second, gap: 40 * time.Second}
)

// short are the acts of make test-cluster.
var short = []act{
	{"the primary is killed", nothingDies, func(c *cluster, _ *load.Load) {
		c.killCopy(c.primary())
	}},
	{"a planned restart of every copy", handsOver, func(c *cluster, _ *load.Load) {
		c.docker(c.up[0], "service", "update", "--quiet", "--force", c.stack+"_db")
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
	{"MySQL refuses writes", nothingDies, func(c *cluster, _ *load.Load) { c.refuse() }},
	{"a copy has what the group lacks", nothingDies, func(c *cluster, _ *load.Load) {
		node := c.secondary()
		c.diverge(node)
		c.discard(node)
	}},
}

// allLosePower returns an act in which all machines lose power, and boot in an order.
func allLosePower(order ...int) act {
	return act{fmt.Sprintf("all lose power, and boot in the order %v", order), unchecked,
		func(c *cluster, l *load.Load) { c.allLosePower(l, order...) }}
}

// startsAgain returns an act in which the site ends and starts again, a number of times. Each time
// make deploy changes accounts to migrate, while the other copies join.
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
	c.restore(10_000) // a copy that comes back has to read them
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
		t.Run("five copies", fiveCopies)
	}
}

// Five managers have five copies. They survive the loss of any two machines.
func fiveCopies(t *testing.T) {
	c := newCluster(t, 5)
	c.promote(4)
	c.promote(5)
	c.awaitMembers(5)
	c.make("scale", "N=5") // both of two replicas might be on the machines that are lost
	c.underLoad(act{"two of five machines lose power", machineDies, func(c *cluster, l *load.Load) {
		c.makePrimary(5)
		l.Through(c.addressesWithout(4, 5)...)
		c.lose("kill", 5, 4)
		c.awaitConfirmed(l, 20)
		c.regain("boot", 4)
		c.regain("boot", 5)
	}})
}
