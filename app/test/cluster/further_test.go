package cluster

import (
	"fmt"
	"strings"
	"time"

	"simpleapp/test/engine"
	"simpleapp/test/load"
)

// further are the other acts of make test-cluster-all.
var further = []act{
	{"the primary is killed ten times", nothingDies, func(c *cluster, _ *load.Load) {
		for range 10 {
			c.killCopy(c.primary())
			c.awaitGreen()
		}
	}},
	{"a copy is stopped at the moment in which another one's machine dies", unchecked, func(
		c *cluster, l *load.Load,
	) {
		dead, stopped := c.secondary(), 0
		for _, node := range c.up {
			if node != dead && node != c.primary() {
				stopped = node
			}
		}
		l.Through(c.addressesWithout(dead)...)
		c.lose("kill", dead)
		c.docker(stopped, "stop", c.db(stopped))
		c.awaitConfirmed(l, 20)
		c.regain("boot", dead)
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
	{"a machine without the primary loses power", otherDies, func(c *cluster, l *load.Load) {
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
	{"operators work while the primary's machine is down", machineDies, func(
		c *cluster, l *load.Load,
	) {
		node := c.secondary() // cache is not on its machine
		c.makePrimary(node)
		c.outage(l, "kill", "boot", node, c.operate)
	}},
	{"a machine dies before an update starts a replica there", machineDies, func(
		c *cluster, l *load.Load,
	) {
		// Swarm prefers a node that has no replica, and takes some seconds to notice its loss.
		node := c.withoutReplica()
		c.outage(l, "kill", "boot", node, func() { c.make("rotate-secret", "NAME=mysql_password") })
	}},
	{"a machine dies while an update restarts its copy", machineDies, func(
		c *cluster, l *load.Load,
	) {
		c.loseDuringUpdate(l)
	}},
	{"containers lose their networks", machineDies, func(c *cluster, _ *load.Load) {
		c.loseNetworks()
	}},
	{"the machines are starved", unchecked, func(c *cluster, _ *load.Load) { c.starve() }},
	allLosePower(1, 2, 3),
	allLosePower(1, 3, 2),
	allLosePower(2, 1, 3),
	allLosePower(2, 3, 1),
	allLosePower(3, 2, 1),
	startsAgain(3),
	{"each of two copies has what the other lacks", unchecked, func(c *cluster, l *load.Load) {
		c.crossGaps(l)
	}},
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
	{"the machine of the primary is drained", handsOver, func(c *cluster, l *load.Load) {
		node := c.secondary()
		c.makePrimary(node)
		l.Through(c.addressesWithout(node)...)
		c.drain(node)
	}},
	{"a manager is demoted, loses its volume, and is promoted", handsOver, func(
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
	{"db gets another image", handsOver, func(c *cluster, _ *load.Load) {
		c.updateDB()
	}},
	{"the disk of the primary fills", diskFills, func(c *cluster, l *load.Load) { c.fillDisk(l) }},
	{"the machine of cache loses power, and cache may move", machineDies, func(
		c *cluster, l *load.Load,
	) {
		c.make("deploy", "CACHE_PLACEMENT=node.role == manager")
		c.loseCache(l, func() {})
		c.make("deploy", "CACHE_PLACEMENT=node.labels."+c.stack+".cache == true")
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
	{"the machines lose power in turn, while copies are behind", unchecked, func(
		c *cluster, l *load.Load,
	) {
		c.losePowerInTurn(l)
	}},
	{"MySQL can't start the group for some time", unchecked, func(c *cluster, _ *load.Load) {
		c.failToStart()
	}},
	{"a copy is away while another one copies everything", nothingDies, func(
		c *cluster, l *load.Load,
	) {
		c.copyWhileAway(l)
	}},
	{"a large backup is restored", nothingDies, func(c *cluster, _ *load.Load) {
		c.restore(300_000) // more than a copy has memory for in one transaction
	}},
}
