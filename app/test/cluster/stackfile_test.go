package cluster

import (
	"fmt"
	"regexp"
	"strings"

	"simpleapp/internal/testsite"
)

// stackFileAlone makes a second site on the same machines, by docker-stack.yml and two secrets
// alone. Every machine serves it, and each has a copy of its database.
func (c *cluster) stackFileAlone() {
	const port, deploy = "8090", `
		for name in mysql_password redis_password; do
			echo chosen-by-hand | docker secret create $name - >&2
		done
		if [ -z "${STACK_RENDER:-}" ]; then
			docker stack deploy -c docker-stack.yml plain
		else
			docker stack config -c docker-stack.yml | bash -euc "$STACK_RENDER" |
				docker stack deploy --resolve-image never -c - plain
		fi`
	env := []string{"HTTP_PORT=" + port, "STACK=plain", "TIMEOUT=300",
		fmt.Sprintf("DOCKER_HOST=tcp://127.0.0.1:%d", c.port+100+c.up[0])}
	run := func(script string) (string, error) {
		return command(untilInterrupted, env, "bash", "-euo", "pipefail", "-c", script)
	}
	if out, err := run(deploy); err != nil {
		c.Fatalf("docker stack deploy: %v\n%s", err, out)
	}
	sites := c.sites(port)
	for _, site := range sites {
		c.eventually(site+" serves", func() error {
			page, err := testsite.TryGet(site + "/")
			if err == nil && !strings.Contains(page, "Visits: ") {
				err = fmt.Errorf("it shows\n%s", page)
			}
			return err
		})
	}
	testsite.WantStatus(c, testsite.Post(c, sites[0], testsite.Form()), 303)
	c.eventually("make status of the site is green", func() error {
		out, err := run("make -s status")
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		for _, node := range c.up {
			copied := fmt.Sprintf(`(?m)^node%d +online`, node)
			if !regexp.MustCompile(copied).MatchString(out) {
				c.Errorf("make status shows no copy on node%d:\n%s", node, out)
			}
		}
		return nil
	})
	if out, err := run("make -s undeploy"); err != nil {
		c.Errorf("make undeploy: %v\n%s", err, out)
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
