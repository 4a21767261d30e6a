// Package cluster tests a site on several machines that fail: a playground (ops/playground), whose
// nodes are Docker engines in containers. `make test-cluster` runs the acts that fit into some
// minutes, and `make test-cluster-all` runs all of them.
package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

var (
	// untilInterrupted is cancelled by ctrl-C, which ends the running commands. The clean-up still
	// runs.
	untilInterrupted context.Context
	// version is the version of the images that this run builds.
	version = "test-" + strings.ToLower(rand.Text()[:8])
	root, _ = filepath.Abs("../../..")
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var stop context.CancelFunc
	untilInterrupted, stop = signal.NotifyContext(context.Background(), os.Interrupt,
		syscall.SIGTERM)
	defer stop()
	for _, name := range []string{"DOCKER_HOST", "STACK", "REGISTRY", "HTTP_PORT"} {
		os.Unsetenv(name)
	}
	os.Setenv("VERSION", version)
	os.Setenv("SITE_ENV", "") // the site.env of a developer is of another site
	defer func() {
		for _, service := range []string{"app", "db", "cache"} {
			image := "mysimpleapp_" + service + ":" + version
			out, err := command(context.Background(), nil, "docker", "image", "rm", image)
			if err != nil {
				fmt.Fprintf(os.Stderr, "remove %s: %v\n%s", image, err, out)
			}
		}
	}()
	return m.Run()
}

// command runs a command in the repository's folder, with variables added to the environment, and
// returns its output.
func command(ctx context.Context, env []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// A cluster is a playground with the site in it. Its nodes have the numbers 1, 2, …
type cluster struct {
	testing.TB
	name  string
	stack string // of the site
	port  int
	up    []int // the nodes that have power and a network
	// before has the submissions that no visitor of the present act has sent, by token.
	before map[string]string
	// cacheLost tells that cache has lost its data. Then numbers of its last second are shown
	// twice.
	cacheLost bool
}

// in returns the cluster with all of its three nodes, for a part of the test.
func (c *cluster) in(t testing.TB) *cluster {
	return &cluster{TB: t, name: c.name, stack: c.stack, port: c.port, up: []int{1, 2, 3}}
}

// newCluster makes a playground, which the end of the test removes.
func newCluster(t *testing.T, nodes int) *cluster {
	t.Helper()
	c := &cluster{TB: t, name: "test" + strings.ToLower(rand.Text()[:8]), stack: "mystack"}
	var ports []int // of each node and its engine, counted from PORT
	for n := 1; n <= nodes; n++ {
		c.up = append(c.up, n)
		ports = append(ports, n, 100+n)
	}
	c.port = testsite.FreePort(t, ports...)
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := c.tryMake("status")
			t.Logf("make status:\n%s", out)
		}
		out, err := command(context.Background(), c.env(), "make", "-s", "playground-down")
		if err != nil {
			t.Errorf("make playground-down: %v\n%s", err, out)
		}
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

// tryMake runs an operator's command on the first node that is up.
func (c *cluster) tryMake(target string, args ...string) (string, error) {
	env := append(c.env(), fmt.Sprintf("DOCKER_HOST=tcp://127.0.0.1:%d", c.port+100+c.up[0]))
	return command(untilInterrupted, env, "make", append([]string{"-s", target}, args...)...)
}

// make is tryMake for a command that has to succeed.
func (c *cluster) make(target string, args ...string) string {
	c.Helper()
	out, err := c.tryMake(target, args...)
	if err != nil {
		c.Fatalf("make %s %s: %v\n%s", target, strings.Join(args, " "), err, out)
	}
	return out
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
	out, err := command(untilInterrupted, c.env(), "make", "-s", "playground-"+name,
		fmt.Sprintf("NODE=node%d", node))
	if err != nil {
		return fmt.Errorf("make playground-%s NODE=node%d: %w\n%s", name, node, err, out)
	}
	return nil
}

// tryDocker runs docker on a node.
func (c *cluster) tryDocker(node int, args ...string) (string, error) {
	env := []string{fmt.Sprintf("DOCKER_HOST=tcp://127.0.0.1:%d", c.port+100+node)}
	out, err := command(untilInterrupted, env, "docker", args...)
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

// eventually waits until ok returns nil, or until the tests are interrupted.
func (c *cluster) eventually(what string, ok func() error) {
	c.Helper()
	testsite.Within(c, 4*time.Minute, what, func() error {
		if err := untilInterrupted.Err(); err != nil {
			c.Fatal(err)
		}
		return ok()
	})
}

// awaitGreen waits until make status succeeds: every service runs, and every copy is in the group.
// It returns what make status printed.
func (c *cluster) awaitGreen() (out string) {
	c.Helper()
	c.eventually("make status is green", func() (err error) {
		if out, err = c.tryMake("status"); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
	return out
}
