package cluster

import (
	"errors"
	"fmt"
	"strings"

	"simpleapp/test/engine"
	"simpleapp/test/load"
)

// fillDisk makes a copy on a small disk the primary, and fills that disk at once. Another copy
// takes over. When there is room again, the copy comes back by itself.
func (c *cluster) fillDisk(l *load.Load) {
	c.Helper()
	node := c.secondary()
	folder := c.docker(node, "volume", "inspect", "--format", "{{.Mountpoint}}",
		c.stack+"_db_data")
	c.demote(node)
	c.onNode(node, "mount -t tmpfs -o size=700m,mode=1777 tmpfs "+folder)
	c.docker(c.up[0], "node", "promote", fmt.Sprintf("node%d", node))
	engine.Eventually(c, fmt.Sprintf("node%d has a copy", node), func() error {
		container, err := c.tryDB(node)
		if err == nil && container == "" {
			err = errors.New("it has none")
		}
		return err
	})
	// The disk is in memory, so the copy needs a higher limit of memory.
	c.docker(node, "update", "--memory", "2g", "--memory-swap", "2g", c.db(node))
	c.awaitOnline(node)

	c.makePrimary(node)
	// db ignores files whose names begin with a dot.
	c.onNode(node, "cat /dev/zero >"+folder+"/.full || true")
	c.awaitOtherPrimary(node)
	c.awaitConfirmed(l, 20)
	problem := fmt.Sprintf("node%d: its disk has too little room", node)
	engine.Eventually(c, "make status names the full disk", func() error {
		if out, err := c.tryMake("status"); err == nil || !strings.Contains(out, problem) {
			return fmt.Errorf("%v\n%s", err, out)
		}
		return nil
	})

	c.onNode(node, "rm "+folder+"/.full")
	c.awaitGreen()
	c.demote(node)
	c.onNode(node, "umount -l "+folder) // the copy goes on from the data of its old disk
	c.promote(node)
}

// onNode runs a shell command on a node itself.
func (c *cluster) onNode(node int, script string) {
	c.Helper()
	engine.Must(c, "docker", "exec", fmt.Sprintf("%s-node%d", c.name, node), "sh", "-c", script)
}
