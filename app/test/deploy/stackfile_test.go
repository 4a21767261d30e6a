package deploy

import (
	"fmt"
	"testing"

	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

// docker-stack.yml and two secrets make a site by Docker's own commands. Each operator's command
// works on it afterwards.
func TestSiteOfTheStackFileAlone(t *testing.T) {
	leaveSwarmAtEnd(t)
	if docker(t, "info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive" {
		docker(t, "swarm", "init", "--advertise-addr", "127.0.0.1")
	}
	half := engine.RandomName()
	out, err := engine.TryDeployFile(t, half)
	wantFailure(t, "docker stack deploy without secrets", out, err, "secret not found")
	docker(t, "stack", "rm", half) // as docs/operate.md tells
	for _, name := range []string{"mysql_password", "redis_password"} {
		// An editor may leave an empty line after the password.
		dockerWithInput(t, "chosen-by-hand-"+name+"\n", "secret", "create", name, "-")
		atEnd(t, "secret", "rm", name) // after the end of the stack
	}
	s := namedStack(t)
	engine.DeployFile(s, s.name, fmt.Sprintf("HTTP_PORT=%d", s.port), "MONITOR=5s")
	s.visits()                             // waits until the site serves
	testsite.Get(t, "http://"+s.address()) // a visit
	token := s.submit()
	docker(t, "stack", "ps", s.name)
	docker(t, "service", "scale", "--detach=false", s.name+"_app=5")
	out, err = tryDocker("service", "scale", s.name+"_db=2")
	wantFailure(t, "docker service scale of db", out, err, "can only be used with replicated")
	wantKept := func(after string) {
		t.Helper()
		if n := s.replicas(); n != "5" {
			t.Errorf("after %s the site has %s replicas, want still 5", after, n)
		}
		if _, stored := s.rows()[token]; !stored {
			t.Errorf("after %s submission %s is gone", after, token)
		}
		if n := s.visits(); n != 1 {
			t.Errorf("after %s %d visits are counted, want 1", after, n)
		}
	}

	s.make("rotate-secret", "NAME=mysql_password redis_password")
	cache := s.containers("cache")
	s.make("deploy")
	if now := s.containers("cache"); len(now) != 1 || now[0] != cache[0] {
		t.Errorf("make deploy restarted cache: %v runs, want still %v", now, cache)
	}
	wantKept("make deploy")
	s.make("status")
	s.make("rotate-secret", "NAME=mysql_password")

	// make deploy also migrates the volume of an older version.
	before := s.image()
	asRoot(t, s.containers("db")[0], olderSchema)
	s.make("undeploy")
	s.make("swarm-init") // finds the passwords, which undeploy leaves
	s.make("deploy")
	if running := s.image(); running != before {
		t.Errorf("after make undeploy and deploy %s runs, want %s", running, before)
	}
	wantKept("make undeploy and deploy")
	wantMigrated(t, s.containers("db")[0])
	s.make("status")
}

// submit stores a submission and returns its token.
func (s *stack) submit() string {
	s.Helper()
	form := testsite.Form()
	testsite.WantStored(s, "http://"+s.address(), form)
	return form.Get("token")
}
