package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
	"simpleapp/test/load"
)

// killCopy ends the container of a node's copy at once, and waits until another one runs.
func (c *cluster) killCopy(node int) {
	c.Helper()
	old := c.db(node)
	c.docker(node, "kill", old)
	c.awaitOther(node, old)
}

// awaitOther waits until a node's copy runs in another container than before.
func (c *cluster) awaitOther(node int, old string) {
	c.Helper()
	engine.Eventually(c, fmt.Sprintf("node%d has another copy", node), func() error {
		now, err := c.tryDB(node)
		if err == nil && (now == "" || now == old) {
			err = errors.New("it has none, or still the old one")
		}
		return err
	})
}

// outage loses a node, waits until the rest confirms submissions, calls during, and regains it.
func (c *cluster) outage(l *load.Load, lose, regain string, node int, during func()) {
	c.Helper()
	l.Through(c.addressesWithout(node)...)
	c.lose(lose, node)
	c.awaitConfirmed(l, 20)
	if during != nil {
		during()
	}
	c.regain(regain, node)
}

// awaitWaiting waits until a node's copy says that it waits for others.
func (c *cluster) awaitWaiting(node int) {
	c.Helper()
	engine.Eventually(c, fmt.Sprintf("the copy of node%d waits", node), func() error {
		out, err := c.inDB(node, "db-group", "status", "it=127.0.0.1")
		if !strings.Contains(out, "waits for") {
			return fmt.Errorf("it says: %v\n%s", err, out)
		}
		return nil
	})
}

// wantNoneConfirmed checks that no submission is confirmed while visitors send at least rate
// requests.
func (c *cluster) wantNoneConfirmed(l *load.Load) {
	c.Helper()
	confirmed, requests := l.Confirmed(), l.Requests()
	engine.Eventually(c, "visitors send requests", func() error {
		if n := l.Requests() - requests; n < rate {
			return fmt.Errorf("%d requests", n)
		}
		return nil
	})
	if n := l.Confirmed() - confirmed; n > 0 {
		c.Errorf("%d submissions were confirmed while a copy of the last group was missing", n)
	}
}

// pause waits where the time itself belongs to the act.
func (c *cluster) pause(d time.Duration) {
	c.Helper()
	select {
	case <-time.After(d):
	case <-engine.UntilInterrupted.Done():
	}
}

// starve keeps the machine busy for a minute. Meanwhile all nodes stand still for some seconds, as
// a host lets its virtual machines do when it is overloaded.
func (c *cluster) starve() {
	c.Helper()
	ctx, end := context.WithTimeout(engine.UntilInterrupted, time.Minute)
	defer end()
	var busy sync.WaitGroup
	defer busy.Wait()
	for range 20 {
		busy.Go(func() { exec.CommandContext(ctx, "bash", "-c", "while :; do :; done").Run() })
	}
	c.pause(20 * time.Second)
	var nodes []string
	for _, node := range c.up {
		nodes = append(nodes, fmt.Sprintf("%s-node%d", c.name, node))
	}
	engine.Must(c, "docker", append([]string{"pause"}, nodes...)...)
	c.pause(9 * time.Second)
	engine.Must(c, "docker", append([]string{"unpause"}, nodes...)...)
}

// wipe removes the data of a node's copy while it runs, and ends it.
func (c *cluster) wipe(node int) {
	c.Helper()
	old := c.db(node)
	c.docker(node, "exec", old, "bash", "-c", "shopt -s dotglob; rm -rf /var/lib/mysql/*")
	c.tryDocker(node, "kill", old) // its server may have ended by itself
	c.awaitOther(node, old)
}

// killAllCopiesBut kills the copies of all other nodes at once.
func (c *cluster) killAllCopiesBut(node int) {
	c.Helper()
	old := map[int]string{}
	for _, other := range c.up {
		if other != node {
			old[other] = c.db(other)
		}
	}
	var all sync.WaitGroup
	for other, container := range old {
		all.Go(func() {
			if out, err := c.tryDocker(other, "kill", container); err != nil {
				c.Errorf("kill the copy of node%d: %v\n%s", other, err, out)
			}
		})
	}
	all.Wait()
	for other, container := range old {
		c.awaitOther(other, container)
	}
}

// diverge writes something into one copy alone. The copy is refused until an operator discards it.
func (c *cluster) diverge(node int) {
	c.Helper()
	// db-group may join again before the table is made. The server then refuses the table.
	engine.Eventually(c, fmt.Sprintf("node%d alone has a table", node), func() error {
		out, err := c.sql(node, `STOP GROUP_REPLICATION; SET GLOBAL super_read_only = OFF;
			CREATE TABLE IF NOT EXISTS only_here (id INT PRIMARY KEY)`)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
	discard := fmt.Sprintf("make db-discard NODE=node%d", node)
	engine.Eventually(c, "make status says that a copy is refused", func() error {
		if out, err := c.tryMake("status"); err == nil || !strings.Contains(out, discard) {
			return fmt.Errorf("%v\n%s", err, out)
		}
		return nil
	})
	out, err := c.tryMake("db-recover", fmt.Sprintf("NODE=node%d", node))
	if err == nil || !strings.Contains(out, "the group has a primary") {
		c.Errorf("make db-recover of a refused copy = %v, want that it is refused\n%s", err, out)
	}
	// Nor may an earlier permission let it start a second group.
	c.docker(node, "exec", c.db(node), "db-group", "permit")
	engine.Eventually(c, "the refused copy has no permission", func() error {
		out, err := c.inDB(node, "ls", "-A", "/var/lib/mysql")
		if err == nil && strings.Contains(out, ".permit-start") {
			err = errors.New("it still has one")
		}
		return err
	})
}

// discard gives up what the copy of a node has, and waits until it is a copy of the others.
func (c *cluster) discard(node int) {
	c.Helper()
	c.make("db-discard", fmt.Sprintf("NODE=node%d", node))
	c.awaitGreen()
	if out, err := c.sql(node, "SELECT * FROM only_here"); err == nil {
		c.Errorf("the copy of node%d still has what the group lacks: %s", node, out)
	}
}

// operate runs the commands that an operator may need while a machine is down.
func (c *cluster) operate() {
	c.Helper()
	if out, err := c.tryMake("status"); err == nil {
		c.Errorf("make status = 0 while a machine is down, want a failure\n%s", out)
	}
	c.awaitReplica()
	file := filepath.Join(c.TempDir(), "site.json.gz")
	c.make("backup", "FILE="+file)
	c.make("restore", "FILE="+file, "MERGE=yes", "ONLY=submissions")
	form := testsite.Form()
	answer := c.store(form) // the primary may still be moving
	reference := testsite.Reference(answer)
	c.make("forget", "REFERENCE="+reference)
	c.make("rotate-secret", "NAME=mysql_password")
	c.make("scale", "N=3")
	c.make("scale", "N=2")
	c.make("deploy")
}

// store submits a form until it is stored.
func (c *cluster) store(form url.Values) (answer testsite.Answer) {
	c.Helper()
	engine.Eventually(c, "a submission is stored", func() (err error) {
		answer, err = testsite.TryPost("http://"+c.addresses()[0], form)
		if err == nil && answer.StatusCode != http.StatusSeeOther {
			err = fmt.Errorf("POST /simpleform = %s", answer.Status)
		}
		return err
	})
	return answer
}

// drain takes the tasks from a node. make status says that its copy is missing.
func (c *cluster) drain(node int) {
	c.Helper()
	name := fmt.Sprintf("node%d", node)
	c.docker(c.up[0], "node", "update", "--availability", "drain", name)
	c.awaitEnd(node)
	out, err := c.tryMake("status")
	if err == nil || !strings.Contains(out, name+" does not answer") {
		c.Errorf("make status = %v, want that %s does not answer\n%s", err, name, out)
	}
	c.docker(c.up[0], "node", "update", "--availability", "active", name)
}
