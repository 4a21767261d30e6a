package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"simpleapp/internal/food"
	"simpleapp/test/engine"
	"simpleapp/test/load"
)

// makePrimary makes a node's copy the primary.
func (c *cluster) makePrimary(node int) {
	c.Helper()
	if c.primary() == node {
		return
	}
	uuid, err := c.sql(node, "SELECT @@server_uuid")
	if err == nil {
		uuid, err = c.sql(node, "SELECT group_replication_set_as_primary('"+uuid+"', 10)")
	}
	if err != nil {
		c.Fatalf("make node%d the primary: %v\n%s", node, err, uuid)
	}
}

// demote makes a node a worker. Its copy leaves the group in order, and ends.
func (c *cluster) demote(node int) {
	c.Helper()
	copied := c.db(node)
	c.docker(c.up[0], "node", "demote", fmt.Sprintf("node%d", node))
	c.awaitEnd(node)
	log := c.docker(node, "logs", "--tail", "200", copied)
	if !strings.Contains(log, "this copy is in no group now") {
		c.Errorf("the copy of node%d ended without leaving the group:\n%s", node, log)
	}
}

// promote makes a node a manager, and waits until it has a copy in the group.
func (c *cluster) promote(node int) {
	c.Helper()
	c.docker(c.up[0], "node", "promote", fmt.Sprintf("node%d", node))
	c.awaitOnline(node)
}

// awaitOnline waits until a node's copy is in the group, and has its data.
func (c *cluster) awaitOnline(node int) {
	c.Helper()
	engine.Eventually(c, fmt.Sprintf("the copy of node%d is in the group", node), func() error {
		state, err := c.sql(node, `SELECT member_state
			FROM performance_schema.replication_group_members WHERE member_id = @@server_uuid`)
		if err == nil && state != "ONLINE" {
			err = fmt.Errorf("it is %q", state)
		}
		return err
	})
}

// awaitReplica waits until the node of the operator's commands has a replica of app. backup and
// restore reach a replica on another node by ssh, which these nodes lack.
func (c *cluster) awaitReplica() {
	c.Helper()
	engine.Eventually(c, fmt.Sprintf("a replica runs on node%d", c.up[0]), func() error {
		out, err := c.tryDocker(c.up[0], "ps", "--quiet",
			"--filter", "name="+c.stack+"_app.", "--filter", "health=healthy")
		if err == nil && out == "" {
			err = errors.New("there is none")
		}
		return err
	})
}

// withoutReplica returns a node that has no replica of app.
func (c *cluster) withoutReplica() (node int) {
	c.Helper()
	engine.Eventually(c, "a node has no replica", func() error {
		for _, n := range c.up {
			out, err := c.tryDocker(n, "ps", "--quiet", "--filter", "name="+c.stack+"_app.")
			if err != nil {
				return err
			}
			if out == "" {
				node = n
				return nil
			}
		}
		return errors.New("each has one")
	})
	return node
}

// restore restores a backup with n submissions.
func (c *cluster) restore(n int) {
	c.Helper()
	var backup strings.Builder
	backup.WriteString(`{"visits": 0, "submissions": [`)
	for i := range n {
		if i > 0 {
			backup.WriteString(",\n")
		}
		token := food.NewToken()
		c.before[token] = "restored"
		fmt.Fprintf(&backup, `{"token": %q, "favourite_food": "Pie %d", "country": "GB"}`,
			token, i%5000)
	}
	backup.WriteString("]}\n")
	file := filepath.Join(c.TempDir(), "site.json")
	if err := os.WriteFile(file, []byte(backup.String()), 0o600); err != nil {
		c.Fatal(err)
	}
	copies := map[int]string{}
	for _, node := range c.up {
		copies[node] = c.db(node)
	}
	c.make("scale", "N=3") // one on each node
	c.awaitReplica()
	c.make("restore", "FILE="+file, "MERGE=yes", "ONLY=submissions")
	c.make("scale", "N=2")
	for node, before := range copies {
		if now := c.db(node); now != before {
			c.Errorf("the copy of node%d has ended: it was %s and is %s", node, before, now)
		}
	}
}

// awaitEnd waits until a node has no copy.
func (c *cluster) awaitEnd(node int) {
	c.Helper()
	engine.Eventually(c, fmt.Sprintf("the copy of node%d has ended", node), func() error {
		container, err := c.tryDB(node)
		if err == nil && container != "" {
			err = fmt.Errorf("%s runs", container)
		}
		return err
	})
}

// awaitMembers waits until the group has n members, all of which are online.
func (c *cluster) awaitMembers(n int) {
	c.Helper()
	engine.Eventually(c, fmt.Sprintf("the group has %d members", n), func() error {
		states, err := c.sql(c.up[0],
			"SELECT member_state FROM performance_schema.replication_group_members")
		if err == nil && states != strings.TrimSpace(strings.Repeat("ONLINE\n", n)) {
			err = fmt.Errorf("their states are\n%s", states)
		}
		return err
	})
}

// removeVolume removes the volume of a node's copy, and the ended containers that used it.
func (c *cluster) removeVolume(node int) {
	c.Helper()
	volume := c.stack + "_db_data"
	engine.Eventually(c, fmt.Sprintf("node%d has no volume", node), func() error {
		ended, err := c.tryDocker(node, "ps", "--all", "--quiet", "--filter", "volume="+volume)
		if err != nil {
			return err
		}
		for _, container := range strings.Fields(ended) { // Swarm may remove it, too
			c.tryDocker(node, "rm", container)
		}
		out, err := c.tryDocker(node, "volume", "rm", volume)
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}

// copyWhileAway lets one copy copy everything while another one is away. The copy that comes back
// gets what it lacks from the primary. The one that has just copied everything can't send that.
func (c *cluster) copyWhileAway(l *load.Load) {
	c.Helper()
	away := c.secondary()
	c.makePrimary(c.up[0])
	copied := c.up[1] + c.up[2] - away // the other one that is not the primary
	l.Through(c.addressesWithout(away)...)
	c.docker(c.up[0], "node", "update", "--availability", "drain", fmt.Sprintf("node%d", away))
	c.awaitEnd(away)
	c.awaitConfirmed(l, 20)
	c.demote(copied)
	c.awaitMembers(1)
	c.removeVolume(copied)
	c.promote(copied)
	c.awaitMembers(2)
	c.docker(c.up[0], "node", "update", "--availability", "active", fmt.Sprintf("node%d", away))
	c.awaitMembers(3)
	log := c.docker(away, "logs", c.db(away))
	if strings.Contains(log, "copying everything") {
		c.Errorf("the copy of node%d copied everything, want only what it lacks:\n%s", away, log)
	}
}
