package deploy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The store that keeps a password, how it is changed, and how the app logs in with one from standard input.
var stores = map[string]struct{ service, rotate, login string }{
	"mysql_password": {"db", "db-rotate-password",
		`read -r MYSQL_PWD; export MYSQL_PWD; mysql --protocol=tcp -h db -u simpleapp -e "SELECT 'let in'" 2>&1`},
	"redis_password": {"cache", "cache-rotate-password",
		`read -r REDISCLI_AUTH; export REDISCLI_AUTH; redis-cli -h cache PING 2>&1 | sed "s/^PONG/let in/"`},
}

// piped runs docker with a password on standard input.
func piped(t testing.TB, password string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(interrupted, "docker", args...)
	cmd.Stdin = strings.NewReader(password + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(string(out), "Access denied") {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// logsIn tells whether a password lets somebody in from where the app stands.
func (s *stack) logsIn(name, password string) bool {
	s.Helper()
	out := piped(s, password, "run", "--rm", "--interactive", "--network", "container:"+s.containers("app")[0], "--no-healthcheck",
		"--entrypoint", "sh", image(stores[name].service), "-c", stores[name].login)
	if !strings.Contains(out, "let in") && !strings.Contains(out, "Access denied") && !strings.Contains(out, "WRONGPASS") {
		s.Fatalf("%s answers neither yes nor no: %s", stores[name].service, out)
	}
	return strings.Contains(out, "let in")
}

// rotate changes a password that an operator began to change before and gave up.
func (s *stack) rotate(name string) {
	old, lost := s.password(name), "a-password-that-no-app-ever-had"
	if !s.logsIn(name, old) {
		s.Errorf("%s of the first start is refused before it is rotated", name)
	}
	piped(s, lost, "secret", "create", "--label", "simpleapp.stack="+s.name, s.name+"_"+name+"_v2", "-")
	piped(s, lost, "exec", "--interactive", s.containers(stores[name].service)[0], stores[name].rotate, "accept")

	s.make("rotate-secret", "NAME="+name)
	for _, password := range []string{old, lost} {
		if s.logsIn(name, password) {
			s.Errorf("after make rotate-secret the old %s lets in", name)
		}
	}
	versions := docker(s, "secret", "ls", "--format", "{{.Name}}", "--filter", "name="+s.name+"_"+name+"_v")
	if want := s.name + "_" + name + "_v3"; versions != want {
		s.Errorf("secrets after the rotation: %s, want %s", versions, want)
	}
}

// restartStores shows that db and cache know the rotated passwords after a restart.
func (s *stack) restartStores() {
	s.Helper()
	for _, store := range []string{"db", "cache"} {
		docker(s, "service", "update", "--quiet", "--detach=false", "--force", s.name+"_"+store)
	}
	s.unnoticed("after a restart of db and cache", func(s *stack) {
		for name := range stores {
			if s.logsIn(name, s.password(name)) {
				s.Errorf("the old %s lets in again", name)
			}
		}
	})
}

// backupAndRestore copies the site, taken while it serves, into a fresh one.
func (s *stack) backupAndRestore() {
	s.Helper()
	file := filepath.Join(s.TempDir(), "backup.sql.gz")
	var early map[string]string
	var least, most int
	s.unnoticed("backed up", func(s *stack) {
		early, least = s.rows(), s.visits()
		s.make("backup", "FILE="+file)
		most = s.visits()
	})
	s.TB.(*testing.T).Run("restored", func(t *testing.T) {
		fresh := newStack(t)
		fresh.make("deploy", "VERSION="+tag, "APP_REPLICAS=1")
		half := file + ".half"
		if content, err := os.ReadFile(file); err != nil || os.WriteFile(half, content[:len(content)/2], 0o600) != nil {
			t.Fatalf("half a backup: %v", err)
		}
		out, err := fresh.try("restore", "FILE="+half)
		says(t, "make restore of half a backup", out, err, "is incomplete")

		fresh.make("restore", "FILE="+file)
		compare := func(after string) {
			original, restored := s.rows(), fresh.rows()
			for token, row := range early {
				if restored[token] != row {
					t.Errorf("after %s submission %s is %q, want %q", after, token, restored[token], row)
				}
			}
			for token, row := range restored {
				if original[token] != row {
					t.Errorf("after %s submission %s is %q, was %q", after, token, row, original[token])
				}
			}
			if n := fresh.visits(); n < least || n > most {
				t.Errorf("after %s %d visits are counted, want %d to %d", after, n, least, most)
			}
		}
		compare("make restore")
		migrated(t, fresh.containers("db")[0])
		out, err = fresh.try("restore", "FILE="+file)
		says(t, "make restore over submissions", out, err, "restore into a fresh one", strconv.Itoa(len(fresh.rows()))+" submissions")

		// The volume of a site whose last version was an older one.
		schema, _, _ := strings.Cut(older, "INSERT INTO")
		asRoot(t, fresh.containers("db")[0], schema)
		fresh.make("undeploy")
		fresh.make("deploy", "VERSION="+tag, "APP_REPLICAS=1")
		compare("make undeploy and deploy")
		migrated(t, fresh.containers("db")[0])

		// A version that was left by a rollback can be deployed again, also without a registry.
		other := tag + "-other"
		docker(t, "tag", image("app"), "mysimpleapp_app:"+other)
		defer command(context.Background(), "", "docker", "image", "rm", "mysimpleapp_app:"+other)
		fresh.make("deploy", "VERSION="+other)
		fresh.make("rollback")
		fresh.make("deploy", "VERSION="+other)
		if running := fresh.image(); running != "mysimpleapp_app:"+other {
			t.Errorf("after make rollback and deploy %s runs, want version %s", running, other)
		}
	})

	// The node of db and cache is lost, and with it both volumes and the rotated passwords.
	s.TB.(*testing.T).Run("node lost", func(t *testing.T) {
		s := &stack{t, s.name, s.port, s.passwords}
		for _, store := range []string{"db", "cache"} {
			docker(s, "service", "scale", "--detach=false", s.name+"_"+store+"=0")
			eventually(s, "remove the volume of "+store, func() error {
				// Swarm keeps the stopped container, for its log.
				out, err := command(interrupted, "", "bash", "-c", fmt.Sprintf(
					"docker ps --all --quiet --filter volume=%[1]s | xargs --no-run-if-empty docker rm && docker volume rm %[1]s", s.name+"_"+store+"_data"))
				if err != nil {
					return fmt.Errorf("%w: %s", err, out)
				}
				return nil
			})
			docker(s, "service", "scale", "--detach=false", s.name+"_"+store+"=1")
		}
		s.make("restore", "FILE="+file, "ONLY=submissions")
		s.make("restore", "FILE="+file, "ONLY=visits")
		s.make("rotate-secret", "NAME=mysql_password redis_password")
		rows := s.rows()
		for token, row := range early {
			if rows[token] != row {
				t.Errorf("submission %s is %q, was %q", token, rows[token], row)
			}
		}
		if n := s.visits(); n < least || n > most {
			t.Errorf("%d visits are counted, want %d to %d as in the backup", n, least, most)
		}
	})
}
