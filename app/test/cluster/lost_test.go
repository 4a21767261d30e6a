package cluster

import (
	"errors"
	"fmt"
	"strings"

	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

// loseAllCopies deletes the data of all copies, as if each was interrupted while it copied the data
// of another one. An operator begins a new site, which outlives a restart.
func (c *cluster) loseAllCopies() {
	c.Helper()
	for _, node := range c.up {
		c.docker(node, "exec", c.db(node), "bash", "-c",
			"shopt -s dotglob; rm -rf /var/lib/mysql/*; touch /var/lib/mysql/.copying")
	}
	for _, node := range c.up {
		if container := c.db(node); container != "" { // or its server has ended by itself
			c.tryDocker(node, "kill", container)
		}
	}
	for _, node := range c.up {
		engine.Eventually(c, fmt.Sprintf("the copy of node%d has no data", node), func() error {
			out, err := c.inDB(node, "db-group", "status", "it=127.0.0.1")
			// It may have begun to copy from another one, which then lost its data, too.
			if !strings.Contains(out, "finds no group") && !strings.Contains(out, "can't copy") {
				return fmt.Errorf("it says: %v\n%s", err, out)
			}
			return nil
		})
	}
	c.make("db-recover", "NODE=node1", "LOSE=yes")
	c.make("rotate-secret", "NAME=mysql_password")
	c.awaitGreen()
	form := testsite.Form()
	c.store(form)
	c.killCopy(1)
	c.awaitGreen()
	for _, node := range c.up {
		rows, err := c.rows(node)
		if _, stored := rows[form.Get("token")]; err != nil || !stored {
			c.Errorf("node%d has %d rows without the new submission (%v)", node, len(rows), err)
		}
	}
}

// loseMostMachines takes two of three machines away for ever. Without most of its managers the
// swarm has no leader. The site goes on with the data of the machine that is left, as
// docs/operate.md tells. This is the last part of the test, because the two can't come back.
func (c *cluster) loseMostMachines() {
	c.Helper()
	before, err := c.rows(1)
	if err != nil || len(before) == 0 {
		c.Fatalf("node1 has %d rows (%v), want some", len(before), err)
	}
	c.lose("kill", 2, 3)
	engine.Eventually(c, "the swarm has no leader", func() error {
		if _, err := c.tryDocker(1, "node", "ls"); err == nil {
			return errors.New("docker node ls works")
		}
		return nil
	})
	address := c.docker(1, "info", "--format", "{{.Swarm.NodeAddr}}")
	c.docker(1, "swarm", "init", "--force-new-cluster", "--advertise-addr", address)
	c.docker(1, "node", "rm", "--force", "node2", "node3")
	engine.Eventually(c, "the copy of node1 waits for the others", func() error {
		out, err := c.tryMake("db-recover")
		if err == nil || !strings.Contains(out, "make db-recover NODE=") {
			return fmt.Errorf("make db-recover = %v, want that it names the remedy\n%s", err, out)
		}
		return nil
	})
	c.make("db-recover", "NODE=node1")
	form := testsite.Form()
	c.store(form)
	c.awaitGreen()
	after, err := c.rows(1)
	if err != nil || len(after) != len(before)+1 || after[form.Get("token")] == "" {
		c.Errorf("node1 has %d rows (%v), want the %d from before and the new one", len(after), err,
			len(before))
	}
}
