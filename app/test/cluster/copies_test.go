package cluster

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"simpleapp/test/engine"
	"simpleapp/test/load"
)

// tryDB returns the container of a node's copy, or "" if it has none.
func (c *cluster) tryDB(node int) (string, error) {
	// Without \., the filter would also match a job, such as mystack_db-first.
	out, err := c.tryDocker(node, "ps", "--quiet", "--filter", "name=^"+c.stack+`_db\.`)
	if err != nil {
		return "", fmt.Errorf("find the copy of node%d: %w\n%s", node, err, out)
	}
	return out, nil
}

// db is tryDB for a node whose engine has to answer.
func (c *cluster) db(node int) string {
	c.Helper()
	container, err := c.tryDB(node)
	if err != nil {
		c.Fatal(err)
	}
	return container
}

// inDB runs a command in the container of a node's copy.
func (c *cluster) inDB(node int, command ...string) (string, error) {
	container, err := c.tryDB(node)
	if err == nil && container == "" {
		err = fmt.Errorf("node%d has no copy", node)
	}
	if err != nil {
		return "", err
	}
	return c.tryDocker(node, append([]string{"exec", container}, command...)...)
}

// sql runs SQL on a node's copy as root and returns the answer, one row a line.
func (c *cluster) sql(node int, statements string) (string, error) {
	return c.inDB(node, "mysql", "--user=root", "--protocol=socket",
		"--batch", "--skip-column-names", "--execute", statements, "simple_db")
}

// primary returns the node of the primary.
func (c *cluster) primary() (primary int) {
	c.Helper()
	engine.Eventually(c, "the group has a primary", func() error {
		for _, node := range c.up {
			role, err := c.sql(node, `SELECT member_role
				FROM performance_schema.replication_group_members
				WHERE member_id = @@server_uuid AND member_state = 'ONLINE'`)
			if err == nil && role == "PRIMARY" {
				primary = node
				return nil
			}
		}
		return errors.New("no copy is the primary")
	})
	return primary
}

// secondary returns a node whose copy is not the primary. It prefers the last node, because cache
// is on node1.
func (c *cluster) secondary() int {
	c.Helper()
	primary := c.primary()
	for _, node := range slices.Backward(c.up) {
		if node != primary && c.db(node) != "" {
			return node
		}
	}
	c.Fatal("there is no copy but the primary")
	return 0
}

// rows returns the submissions of a node's copy by token.
func (c *cluster) rows(node int) (map[string]string, error) {
	out, err := c.sql(node, `SELECT token, id, first_name, last_name, favourite_food, country,
		created_at, tallied FROM submissions`)
	if err != nil {
		return nil, err
	}
	return engine.Rows(out)
}

// wantEqualCopies checks that every copy has the same rows, that every submission is counted, and
// that the copies agree with what the visitors were told.
func (c *cluster) wantEqualCopies(report load.Report) {
	c.Helper()
	var first map[string]string
	// Some copies may lag behind.
	engine.Eventually(c, "the copies have the same rows, counted", func() error {
		first = nil
		for _, node := range c.up {
			// Each kind of count has every submission once: countries, foods, their spellings,
			// hours and quarters of hours.
			kinds, err := c.sql(node, `SELECT COUNT(*),
				SUM(total <> (SELECT COUNT(*) FROM submissions)) FROM
				(SELECT IF(scope LIKE 'food:%', 'spelling', scope) AS kind, SUM(n) AS total
					FROM tallies GROUP BY kind) AS kinds`)
			if err != nil || kinds != "5\t0" {
				return fmt.Errorf("node%d has %q kinds of counts and wrong ones, want 5 and 0: %v",
					node, kinds, err)
			}
			rows, err := c.rows(node)
			if err != nil {
				return err
			}
			if first == nil {
				first = rows
			}
			if !maps.Equal(rows, first) {
				return fmt.Errorf("node%d has other rows: %d, and the first copy %d", node,
					len(rows), len(first))
			}
		}
		return nil
	})
	report.Check(c, c.before, first)
	if len(first) == 0 {
		c.Error("no copy has a row")
	}
}

// awaitConfirmed waits until n more submissions are confirmed.
func (c *cluster) awaitConfirmed(l *load.Load, n int) {
	c.Helper()
	before := l.Confirmed()
	engine.Eventually(c, "submissions are confirmed", func() error {
		if now := l.Confirmed() - before; now < n {
			return fmt.Errorf("%d since then", now)
		}
		return nil
	})
}

// rate is the load in requests a second.
const rate = 100

// underLoad runs an act while visitors use the site through the nodes that are up. Afterwards, the
// copies must be one group again, and have what the visitors were told.
func (c *cluster) underLoad(act act) {
	c.Helper()
	var err error
	if c.before, err = c.rows(c.primary()); err != nil {
		c.Fatal(err)
	}
	l := load.Start(c, rate, 15*time.Second, c.addresses()...)
	c.awaitConfirmed(l, 20)
	c.regained = time.Time{}
	act.do(c, l)
	c.awaitGreen() // first, because Swarm restarts the tasks of a node that was cut off
	if !c.regained.IsZero() {
		c.Logf("%.0f s after the last machine was back, make status was green: the aim is 60 s",
			time.Since(c.regained).Seconds())
	}
	c.readmit(l)
	c.awaitConfirmed(l, 20)
	report := l.Stop()
	if n := report.Failures[load.Repeated].Count; n > 0 && !c.cacheLost {
		c.Errorf("%d visitors saw a number that another one had seen", n)
	}
	if n := report.Failures[load.WentBack].Count; n > 0 {
		c.Errorf("%d visitors saw a number from more than a second before", n)
	}
	if act.most != unchecked {
		switch {
		case report.Gap > act.most.gap:
			c.Errorf("for %.1f s no submission was confirmed, want at most %v",
				report.Gap.Seconds(), act.most.gap)
		case report.Gap > act.most.aim:
			c.Logf("for %.1f s no submission was confirmed: the aim is %v", report.Gap.Seconds(),
				act.most.aim)
		}
		if report.FailedPages > act.most.failedPages {
			c.Errorf("%d home pages failed, want at most %d",
				report.FailedPages, act.most.failedPages)
		}
	}
	c.wantEqualCopies(report)
}

// readmit lets visitors use each node that is up, once all of them serve: a node that has just
// booted does not serve yet.
func (c *cluster) readmit(l *load.Load) {
	c.Helper()
	c.awaitPages("Visits")
	l.Through(c.addresses()...)
}

// awaitPages waits until each node that is up shows a home page with a text.
func (c *cluster) awaitPages(text string) {
	c.Helper()
	for _, address := range c.addresses() {
		c.awaitPage("http://"+address+"/", text)
	}
}
