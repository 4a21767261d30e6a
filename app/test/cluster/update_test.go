package cluster

import (
	"errors"
	"strings"

	"simpleapp/test/engine"
	"simpleapp/test/load"
)

// updateDB gives db an image of another version. The images have the same content, because Swarm
// compares their names alone.
func (c *cluster) updateDB() {
	c.Helper()
	image := c.tagDB("next")
	c.make("deploy", "DB_VERSION="+engine.Version+"-next")
	c.wantImageOfDB(image)
}

// tagDB gives the image of db another name on each node that is up, and returns it.
func (c *cluster) tagDB(suffix string) (image string) {
	c.Helper()
	image = engine.Image("db") + "-" + suffix
	for _, node := range c.up {
		c.docker(node, "tag", engine.Image("db"), image)
	}
	return image
}

// wantImageOfDB checks that the copies of all nodes that are up run an image.
func (c *cluster) wantImageOfDB(image string) {
	c.Helper()
	for _, node := range c.up {
		now := c.docker(node, "inspect", "--format", "{{.Config.Image}}", c.db(node))
		if now != image {
			c.Errorf("the copy of node%d runs %s, want %s", node, now, image)
		}
	}
}

// loseDuringUpdate takes the power from the machine of a copy that an update is restarting. Swarm's
// update waits for that machine. The operator's command lets it go on.
func (c *cluster) loseDuringUpdate(l *load.Load) {
	c.Helper()
	image := c.tagDB("loss")
	before := map[int]string{}
	for _, node := range c.up {
		before[node] = c.db(node)
	}
	var out string
	var err error
	ended := make(chan struct{})
	operator := c.on(c.up[0])
	go func() {
		defer close(ended)
		out, err = operator.Run("make", "-s", "deploy", "DB_VERSION="+engine.Version+"-loss")
	}()
	lost := 0
	engine.Eventually(c, "a copy restarts", func() error {
		for _, node := range c.up[1:] {
			if c.db(node) != before[node] {
				lost = node
				return nil
			}
		}
		return errors.New("none does")
	})
	l.Through(c.addressesWithout(lost)...)
	c.lose("kill", lost)
	<-ended
	if want := "db: the update waits for a machine that died"; err != nil ||
		!strings.Contains(out, want) {
		c.Errorf("make deploy: %v, want success after %q:\n%s", err, want, out)
	}
	c.wantImageOfDB(image)
	c.regain("boot", lost)
}
