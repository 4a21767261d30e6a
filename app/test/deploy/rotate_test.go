package deploy

import (
	"strings"
	"testing"

	"simpleapp/test/engine"
)

// servers has, for each password of the app, the service that checks it, the command that changes
// it, and a shell script that logs in like the app with a password from standard input. The script
// prints "logged in", or why not, and succeeds in either case.
var servers = map[string]struct{ service, rotate, login string }{
	"mysql_password": {"db", "db-rotate-password",
		`read -r MYSQL_PWD; export MYSQL_PWD
		mysql --protocol=tcp -h db -u simpleapp -e "SELECT 'logged in'" 2>&1 || true`},
	"redis_password": {"cache", "cache-rotate-password",
		`read -r REDISCLI_AUTH; export REDISCLI_AUTH
		redis-cli -h cache PING 2>&1 | sed "s/^PONG/logged in/"`},
}

// dockerWithInput runs docker with a password on standard input. It has to succeed.
func dockerWithInput(t testing.TB, password string, args ...string) string {
	t.Helper()
	return engine.Command{Input: password + "\n"}.Must(t, "docker", args...)
}

// canLogIn tells whether the app's account can log in with a password from the app's network.
func (s *stack) canLogIn(name, password string) bool {
	s.Helper()
	return canLogIn(s, "container:"+s.containers("app")[0], name, password)
}

// canLogIn tells whether the app's account can log in with a password from a network.
func canLogIn(t testing.TB, network, name, password string) bool {
	t.Helper()
	out := dockerWithInput(t, password, "run", "--rm", "--interactive", "--no-healthcheck",
		"--network", network,
		"--entrypoint", "sh", engine.Image(servers[name].service), "-c", servers[name].login)
	switch {
	case strings.Contains(out, "logged in"):
		return true
	case strings.Contains(out, "Access denied"), strings.Contains(out, "WRONGPASS"):
		return false
	}
	t.Fatalf("%s neither accepts nor refuses a password: %s", servers[name].service, out)
	return false
}

// rotate changes both passwords after an earlier rotation of them was interrupted.
func (s *stack) rotate() {
	s.Helper()
	const unused = "a-password-that-no-app-ever-had"
	for name, server := range servers {
		if !s.canLogIn(name, s.password(name)) {
			s.Errorf("%s of the first start is refused before it is rotated", name)
		}
		dockerWithInput(s, unused, "secret", "create", "--label", "simpleapp.stack="+s.name,
			s.name+"_"+name+"_v2", "-")
		dockerWithInput(s, unused, "exec", "--interactive", s.containers(server.service)[0],
			server.rotate, "accept")
	}
	s.make("rotate-secret", "NAME=mysql_password redis_password")
	for name := range servers {
		for _, password := range []string{s.password(name), unused} {
			if s.canLogIn(name, password) {
				s.Errorf("after make rotate-secret the old %s is still accepted", name)
			}
		}
		versions := docker(s, "secret", "ls", "--format", "{{.Name}}",
			"--filter", "name="+s.name+"_"+name+"_v")
		if want := s.name + "_" + name + "_v3"; versions != want {
			s.Errorf("secrets after the rotation: %s, want %s", versions, want)
		}
	}
}

// restartServers restarts db and cache, and checks that they accept only the rotated passwords.
func (s *stack) restartServers() {
	s.Helper()
	for _, service := range []string{"db", "cache"} {
		docker(s, "service", "update", "--quiet", "--detach=false", "--force", s.name+"_"+service)
	}
	s.withoutFailures("after a restart of db and cache", func(s *stack) {
		for name := range servers {
			if s.canLogIn(name, s.password(name)) {
				s.Errorf("the old %s is accepted again", name)
			}
		}
	})
}
