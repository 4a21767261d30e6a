package cluster

import (
	"errors"
	"fmt"
	"maps"

	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

// upgradeOlderSite makes a second site, whose db is one task with a volume on node1, as in older
// versions. make deploy turns it into a group, with its data on every node.
func (c *cluster) upgradeOlderSite() {
	c.Helper()
	const port = "8091"
	s := c.in(c.TB)
	s.stack = "older"
	const onNode1 = `sed '/^  db:/,/^  db-first:/` +
		`s/node.role == manager/node.labels.older.db == true/'`
	s.docker(1, "node", "update", "--label-add", "older.db=true", "node1")
	s.make("swarm-init")
	s.make("deploy", "HTTP_PORT="+port, "APP_REPLICAS=1", "MONITOR=5s", "DB_FIRST=0",
		"STACK_RENDER="+engine.OlderRender(onNode1))
	s.docker(1, "config", "rm", "older_db_started") // an older version makes none

	site := s.sites(port)[0]
	for range 3 {
		testsite.WantStored(s, site, testsite.Form())
	}
	before, err := s.rows(1)
	if err != nil || len(before) != 3 || s.db(2)+s.db(3) != "" {
		s.Fatalf("the older db has %d rows on node1 (%v), want 3, and no other copy",
			len(before), err)
	}
	s.make("deploy", "HTTP_PORT="+port)
	s.awaitGreen()
	for _, node := range s.up {
		engine.Eventually(s, fmt.Sprintf("node%d has the rows", node), func() error {
			rows, err := s.rows(node)
			if err == nil && !maps.Equal(rows, before) {
				err = errors.New("they differ from those before")
			}
			return err
		})
	}
	testsite.WantStored(s, site, testsite.Form())
	s.make("undeploy")
}
