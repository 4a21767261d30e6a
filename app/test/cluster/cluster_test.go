// Package cluster tests a site on several machines that fail: a playground (ops/playground), whose
// nodes are Docker engines in containers. `make test-cluster` runs the acts that fit into some
// minutes, and `make test-cluster-all` runs all of them.
package cluster

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	defer engine.Start()()
	os.Unsetenv("DOCKER_HOST") // it may be a node of a developer's own playground
	defer engine.RemoveImages()
	return m.Run()
}

// A cluster is a playground with the site in it. Its nodes have the numbers 1, 2, …
type cluster struct {
	testing.TB
	name  string
	stack string // of the site
	port  int
	up    []int // the nodes that have power and a network
	// regained is when the last node got its power or its network back in the present act, or the
	// zero time.
	regained time.Time
	// before has the submissions that no visitor of the present act has sent, by token.
	before map[string]string
	// cacheLost tells that cache has lost its data. Then the numbers of the second before may be
	// shown twice.
	cacheLost bool
}

// in returns the cluster with all of its three nodes, for a part of the test.
func (c *cluster) in(t testing.TB) *cluster {
	return &cluster{TB: t, name: c.name, stack: c.stack, port: c.port, up: []int{1, 2, 3}}
}

// newCluster makes a playground, which the end of the test removes.
func newCluster(t *testing.T, nodes int) *cluster {
	t.Helper()
	c := &cluster{TB: t, name: engine.RandomName(), stack: "mystack",
		before: map[string]string{}}
	var offsets []int // of the ports of each node and its engine, counted from PORT
	for n := 1; n <= nodes; n++ {
		c.up = append(c.up, n)
		offsets = append(offsets, n, 100+n)
	}
	c.port = testsite.FreePort(t, offsets...)
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := c.tryMake("status")
			t.Logf("make status:\n%s", out)
		}
		engine.Command{Env: c.env()}.Clean(t, "make", "-s", "playground-down")
	})
	c.make("playground", fmt.Sprintf("NODES=%d", nodes), "MONITOR=5s")
	c.awaitGreen()
	return c
}

// env has the variables of the playground's commands.
func (c *cluster) env() []string {
	return []string{"PLAYGROUND=" + c.name, "STACK=" + c.stack, fmt.Sprintf("PORT=%d", c.port),
		"TIMEOUT=300"}
}

// on tells how to run a command that uses the engine of a node.
func (c *cluster) on(node int) engine.Command {
	host := fmt.Sprintf("DOCKER_HOST=tcp://127.0.0.1:%d", c.port+100+node)
	return engine.Command{Env: append(c.env(), host)}
}

// tryMake runs an operator's command on the first node that is up.
func (c *cluster) tryMake(target string, args ...string) (string, error) {
	return c.on(c.up[0]).Run("make", append([]string{"-s", target}, args...)...)
}

// make is tryMake for a command that has to succeed.
func (c *cluster) make(target string, args ...string) string {
	c.Helper()
	return c.on(c.up[0]).Must(c, "make", append([]string{"-s", target}, args...)...)
}

// lose takes nodes out of use with a command of the playground: kill or cut.
func (c *cluster) lose(command string, nodes ...int) {
	c.Helper()
	c.up = slices.DeleteFunc(c.up, func(n int) bool { return slices.Contains(nodes, n) })
	for _, n := range nodes {
		c.play(command, n)
	}
}

// regain brings a node back with a command of the playground: boot or join.
func (c *cluster) regain(command string, node int) {
	c.Helper()
	c.regained = time.Now()
	c.play(command, node)
	c.up = append(c.up, node)
}

// play runs a command of the playground for a node.
func (c *cluster) play(name string, node int) {
	c.Helper()
	if err := c.tryPlay(name, node); err != nil {
		c.Fatal(err)
	}
}

func (c *cluster) tryPlay(name string, node int) error {
	out, err := engine.Command{Env: c.env()}.Run("make", "-s", "playground-"+name,
		fmt.Sprintf("NODE=node%d", node))
	if err != nil {
		return fmt.Errorf("make playground-%s NODE=node%d: %w\n%s", name, node, err, out)
	}
	return nil
}

// tryDocker runs docker on a node.
func (c *cluster) tryDocker(node int, args ...string) (string, error) {
	out, err := c.on(node).Run("docker", args...)
	return strings.TrimSpace(out), err
}

// docker is tryDocker for a command that has to succeed.
func (c *cluster) docker(node int, args ...string) string {
	c.Helper()
	out, err := c.tryDocker(node, args...)
	if err != nil {
		c.Fatalf("docker %s on node%d: %v\n%s", strings.Join(args, " "), node, err, out)
	}
	return out
}

// addresses returns where the site is, on each node that is up.
func (c *cluster) addresses() []string { return c.addressesWithout() }

// addressesWithout leaves out nodes that are about to fail.
func (c *cluster) addressesWithout(nodes ...int) (addresses []string) {
	for _, n := range c.up {
		if !slices.Contains(nodes, n) {
			addresses = append(addresses, fmt.Sprintf("127.0.0.1:%d", c.port+n))
		}
	}
	return addresses
}

// awaitGreen waits until make status succeeds: every service runs, and every copy is in the group.
// It returns what make status printed.
func (c *cluster) awaitGreen() (out string) {
	c.Helper()
	engine.Eventually(c, "make status is green", func() (err error) {
		if out, err = c.tryMake("status"); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
	return out
}
