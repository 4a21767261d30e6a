package deploy

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"simpleapp/internal/testsite"
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
	out, err := commandWithInput(untilInterrupted, strings.NewReader(password+"\n"), root,
		"docker", args...)
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
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
		"--entrypoint", "sh", image(servers[name].service), "-c", servers[name].login)
	switch {
	case strings.Contains(out, "logged in"):
		return true
	case strings.Contains(out, "Access denied"), strings.Contains(out, "WRONGPASS"):
		return false
	}
	t.Fatalf("%s neither accepts nor refuses a password: %s", servers[name].service, out)
	return false
}

// rotate changes a password after an earlier rotation was interrupted.
func (s *stack) rotate(name string) {
	old, unused := s.password(name), "a-password-that-no-app-ever-had"
	if !s.canLogIn(name, old) {
		s.Errorf("%s of the first start is refused before it is rotated", name)
	}
	dockerWithInput(s, unused, "secret", "create", "--label", "simpleapp.stack="+s.name,
		s.name+"_"+name+"_v2", "-")
	dockerWithInput(s, unused, "exec", "--interactive", s.containers(servers[name].service)[0],
		servers[name].rotate, "accept")

	s.make("rotate-secret", "NAME="+name)
	for _, password := range []string{old, unused} {
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

// forget submits the form, and removes that submission by its reference.
func (s *stack) forget() {
	s.Helper()
	before := s.rows()
	answer := testsite.WantStored(s, "http://"+s.address(), testsite.Form())
	reference := testsite.Reference(answer)
	s.make("forget", "REFERENCE="+reference)
	if after := s.rows(); !maps.Equal(after, before) {
		s.Errorf("%d submissions after make forget, want the %d from before",
			len(after), len(before))
	}
	out, err := s.tryMake("forget", "REFERENCE="+reference)
	wantFailure(s, "make forget again", out, err, "no submission has the reference "+reference)
}

// backupAndRestore backs the site up while it serves and restores the backup into a fresh site.
func (s *stack) backupAndRestore() {
	s.Helper()
	file := filepath.Join(s.TempDir(), "backup.json.gz")
	var early map[string]string
	var least, most int
	s.withoutFailures("backed up", func(s *stack) {
		early, least = s.rows(), s.visits()
		s.make("backup", "FILE="+file)
		most = s.visits()
	})
	s.TB.(*testing.T).Run("restored", func(t *testing.T) {
		s := s.in(t)
		other := tag + "-other"
		docker(t, "tag", image("app"), "mysimpleapp_app:"+other)
		atEnd(t, "image", "rm", "mysimpleapp_app:"+other) // after the end of the stack
		fresh := newStack(t)
		fresh.make("deploy", "VERSION="+tag, "APP_REPLICAS=1")
		half := file + ".half"
		content, err := os.ReadFile(file)
		if err != nil || os.WriteFile(half, content[:len(content)/2], 0o600) != nil {
			t.Fatalf("half a backup: %v", err)
		}
		out, err := fresh.tryMake("restore", "FILE="+half)
		wantFailure(t, "make restore of half a backup", out, err, "is incomplete")

		fresh.make("restore", "FILE="+file)
		compare := func(after string) {
			original, restored := s.rows(), fresh.rows()
			for token, row := range early {
				if restored[token] != row {
					t.Errorf("after %s submission %s is %q, want %q",
						after, token, restored[token], row)
				}
			}
			for token, row := range restored {
				if original[token] != row {
					t.Errorf("after %s submission %s is %q, want %q",
						after, token, row, original[token])
				}
			}
			if n := fresh.visits(); n < least || n > most {
				t.Errorf("after %s %d visits are counted, want %d to %d", after, n, least, most)
			}
		}
		compare("make restore")
		wantMigrated(t, fresh.containers("db")[0])
		out, err = fresh.tryMake("restore", "FILE="+file)
		wantFailure(t, "make restore over submissions", out, err, "there are submissions already",
			"MERGE=yes")
		fresh.make("restore", "FILE="+file, "ONLY=submissions", "MERGE=yes")
		compare("make restore over submissions")
		fresh.forget()

		// make deploy migrates the volume of an older version, and keeps the options.
		asRoot(t, fresh.containers("db")[0], olderSchema)
		before := fresh.image()
		fresh.make("undeploy")
		fresh.make("deploy")
		compare("make undeploy and deploy")
		if running := fresh.image(); running != before {
			t.Errorf("after make undeploy and deploy %s runs, want %s", running, before)
		}
		wantMigrated(t, fresh.containers("db")[0])

		// A version that was rolled back can be deployed again, also without a registry.
		fresh.make("deploy", "VERSION="+other)
		fresh.make("rollback")
		fresh.make("deploy", "VERSION="+other)
		if running := fresh.image(); running != "mysimpleapp_app:"+other {
			t.Errorf("after make rollback and deploy %s runs, want version %s", running, other)
		}
	})

	// Loss of the only node of db and cache means the loss of both volumes and of the rotated
	// passwords.
	s.TB.(*testing.T).Run("node lost", func(t *testing.T) {
		s := s.in(t)
		for _, service := range []string{"db", "cache"} {
			docker(s, "service", "update", "--quiet", "--detach",
				"--constraint-add", "node.labels.lost == true", s.name+"_"+service)
			eventually(s, "remove the volume of "+service, func() error {
				// Swarm keeps the stopped container for its log.
				out, err := command(untilInterrupted, "", "bash", "-c", fmt.Sprintf(
					`docker ps --all --quiet --filter volume=%[1]s |
						xargs --no-run-if-empty docker rm && docker volume rm %[1]s`,
					s.name+"_"+service+"_data"))
				if err != nil {
					return fmt.Errorf("%w: %s", err, out)
				}
				return nil
			})
			docker(s, "service", "update", "--quiet", "--detach",
				"--constraint-rm", "node.labels.lost == true", s.name+"_"+service)
		}
		// An empty copy makes no new site by itself.
		var out string
		var err error
		eventually(s, "make db-recover shows an empty copy", func() error {
			out, err = s.tryMake("db-recover")
			if !strings.Contains(out, "finds no group to copy from") {
				return fmt.Errorf("%v\n%s", err, out)
			}
			return nil
		})
		wantFailure(s, "make db-recover", out, err, "make db-recover NODE=…")
		s.make("db-recover", "NODE="+docker(s, "info", "--format", "{{.Name}}"))
		eventually(s, "make status is green again", func() error {
			if out, err := s.tryMake("status"); err != nil {
				return fmt.Errorf("%w\n%s", err, out)
			}
			return nil
		})
		out, err = s.tryMake("restore", "FILE="+file)
		wantFailure(s, "make restore with a rotated password", out, err, "the password in ")
		s.make("rotate-secret", "NAME=mysql_password redis_password")
		s.make("restore", "FILE="+file, "ONLY=submissions")
		rows := s.rows()
		for token, row := range early {
			if rows[token] != row {
				t.Errorf("submission %s is %q, want %q", token, rows[token], row)
			}
		}
		// The rotation has replaced the replicas, which knew the count.
		s.make("restore", "FILE="+file, "ONLY=visits")
		if n := s.visits(); n < least || n > most {
			t.Errorf("%d visits are counted, want %d to %d as in the backup", n, least, most)
		}
	})
}
