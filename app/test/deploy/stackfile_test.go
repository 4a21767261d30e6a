package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

// docker-stack.yml and two secrets make a site, without the operator's commands. Each of these
// works on it afterwards.
func TestSiteOfTheStackFileAlone(t *testing.T) {
	leaveSwarmAtEnd(t)
	if docker(t, "info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive" {
		docker(t, "swarm", "init", "--advertise-addr", "127.0.0.1")
	}
	for _, name := range []string{"mysql_password", "redis_password"} {
		// An editor may leave an empty line after the password.
		dockerWithInput(t, "chosen-by-hand-"+name+"\n", "secret", "create", name, "-")
		atEnd(t, "secret", "rm", name) // after the end of the stack
	}
	s := namedStack(t)
	folder := t.TempDir()
	file, err := os.ReadFile(filepath.Join(engine.Root, "docker-stack.yml"))
	if err != nil || os.WriteFile(filepath.Join(folder, "docker-stack.yml"), file, 0o600) != nil {
		t.Fatalf("copy docker-stack.yml: %v", err)
	}
	const deploy = `if [ -z "${STACK_RENDER:-}" ]; then
			docker stack deploy -c docker-stack.yml "$0"
		else
			docker stack config -c docker-stack.yml >config.yml
			(cd "$1" && bash -euc "$STACK_RENDER") <config.yml |
				docker stack deploy --resolve-image never -c - "$0"
		fi`
	out, err := engine.Command{Dir: folder}.Run("env", fmt.Sprintf("HTTP_PORT=%d", s.port),
		"MONITOR=5s", "bash", "-euo", "pipefail", "-c", deploy, s.name, engine.Root)
	if err != nil {
		t.Fatalf("docker stack deploy: %v\n%s", err, out)
	}
	s.visits()                             // waits until the site serves
	testsite.Get(t, "http://"+s.address()) // a visit
	token := s.submit()
	docker(t, "service", "scale", "--detach=false", s.name+"_app=3")
	wantKept := func(after string) {
		t.Helper()
		if n := s.replicas(); n != "3" {
			t.Errorf("after %s the site has %s replicas, want still 3", after, n)
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
