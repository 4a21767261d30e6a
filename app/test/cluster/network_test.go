package cluster

import (
	"fmt"
	"strings"

	"simpleapp/test/engine"
)

// loseNetworks takes all networks from a container of each service. Docker itself does that when it
// starts a container again while it still clears up after a start that failed, as happens when a
// machine boots. Swarm considers such a container running, and starts no other. So the
// container must end by itself.
func (c *cluster) loseNetworks() {
	c.Helper()
	lost := map[string]int{} // from containers to their nodes
	for service, node := range map[string]int{
		"app": c.nodeOf("app"), "cache": c.cache(), "db": c.primary(),
	} {
		ids := strings.Fields(c.docker(node, "ps", "--quiet", "--filter",
			"name="+c.stack+"_"+service+"."))
		if len(ids) == 0 {
			c.Fatalf("%s does not run on node%d", service, node)
		}
		lost[ids[0]] = node
		c.disconnect(node, ids[0])
	}
	for container, node := range lost {
		engine.Eventually(c, "the container "+container+" has ended", func() error {
			out, err := c.tryDocker(node, "ps", "--filter", "id="+container, "--format",
				"{{.Names}}: {{.Status}}")
			if err == nil && out != "" {
				return fmt.Errorf("node%d has %s", node, out)
			}
			return err
		})
	}
}

// disconnect takes all networks from a container.
func (c *cluster) disconnect(node int, container string) {
	c.Helper()
	networks := c.docker(node, "inspect", "--format",
		"{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}", container)
	for _, network := range strings.Fields(networks) {
		c.docker(node, "network", "disconnect", "--force", network, container)
	}
}

// nodeOf returns a node that a service runs on, or 0 if there is none.
func (c *cluster) nodeOf(service string) int {
	for _, node := range c.up {
		out, err := c.tryDocker(node, "ps", "--quiet", "--filter",
			"name="+c.stack+"_"+service+".")
		if err == nil && out != "" {
			return node
		}
	}
	return 0
}

// mendMesh helps where .ci/run adds a balancer to the site, in containers called mesh-…, because
// the kernel has none. It ends those that Docker has started without networks (loseNetworks tells
// when), so that Swarm starts others.
func (c *cluster) mendMesh() {
	c.Helper()
	for _, node := range c.up {
		ids, err := c.tryDocker(node, "ps", "--quiet", "--filter", "name="+c.stack+"_mesh-")
		if err != nil {
			continue // the node has just booted
		}
		for _, id := range strings.Fields(ids) {
			endpoints, err := c.tryDocker(node, "inspect", "--format",
				"{{range .NetworkSettings.Networks}}{{.EndpointID}}{{end}}", id)
			if err == nil && endpoints == "" {
				c.Logf("the balancer of node%d has no networks: Swarm has to start another", node)
				c.docker(node, "rm", "--force", id)
			}
		}
	}
}
