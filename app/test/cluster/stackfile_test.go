package cluster

import (
	"fmt"
	"maps"
	"regexp"
	"strings"

	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

// stackFileAlone makes a second site on the same machines, by docker-stack.yml and two secrets
// alone. Then make undeploy removes it, and Docker's own command deploys it again, with a copy of
// the database also on a node that had none. Swarm may run the job db-first on that node. Its copy
// then has the permission to make a new site, and must copy the data of the others all the same.
func (c *cluster) stackFileAlone() {
	c.Helper()
	const port = "8090"
	s := c.in(c.TB)
	s.stack = "plain"
	node1 := s.on(1)
	node1.Input = "chosen-by-hand\n"
	for _, name := range []string{"mysql_password", "redis_password"} {
		node1.Must(s, "docker", "secret", "create", name, "-")
	}
	env := append(node1.Env, "HTTP_PORT="+port)
	engine.DeployFile(s, s.stack, append(env, "DB_PLACEMENT=node.hostname != node3")...)
	sites := s.sites(port)
	for _, site := range sites {
		s.awaitPage(site+"/", "Visits: ")
	}
	testsite.WantStored(s, sites[0], testsite.Form())
	s.awaitGreen()
	before, err := s.rows(1)
	if err != nil || len(before) != 1 {
		s.Fatalf("the site has %d rows (%v), want 1", len(before), err)
	}
	s.make("undeploy")

	s.docker(3, "run", "--rm", "--network", "none", "--volume", "plain_db_data:/var/lib/mysql",
		"--entrypoint", "db-group", engine.Image("db"), "permit-first")
	engine.DeployFile(s, s.stack, env...)
	s.awaitPage(sites[0]+"/", "Visits: ")
	s.awaitCopies()
	if rows, err := s.rows(3); err != nil || !maps.Equal(rows, before) {
		s.Errorf("the copy of node3 has %v (%v), want %v", rows, err, before)
	}
	s.make("undeploy")
}

// awaitPage waits until a page has a text.
func (c *cluster) awaitPage(url, text string) {
	c.Helper()
	engine.Eventually(c, url+" has "+text, func() error {
		page, err := testsite.TryGet(url)
		if err == nil && !strings.Contains(page, text) {
			err = fmt.Errorf("it shows\n%s", page)
		}
		if err != nil {
			c.mendMesh()
		}
		return err
	})
}

// awaitCopies waits until make status is green, and shows a copy on each node.
func (c *cluster) awaitCopies() {
	c.Helper()
	out := c.awaitGreen()
	for _, node := range c.up {
		copied := fmt.Sprintf(`(?m)^node%d +online`, node)
		if !regexp.MustCompile(copied).MatchString(out) {
			c.Errorf("make status shows no copy on node%d:\n%s", node, out)
		}
	}
}

// sites returns where a site with a port of its own is, on each node.
func (c *cluster) sites(port string) (sites []string) {
	c.Helper()
	for _, node := range c.up {
		address := c.docker(c.up[0], "node", "inspect", fmt.Sprintf("node%d", node),
			"--format", "{{.ManagerStatus.Addr}}")
		host, _, _ := strings.Cut(address, ":")
		sites = append(sites, "http://"+host+":"+port)
	}
	return sites
}
