package deploy

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

// A backup is a file that make backup wrote while the site served.
type backup struct {
	file        string
	rows        map[string]string // the submissions that it has to contain
	least, most int               // the visits that it may contain
}

// backupAndRestore backs the site up, and restores the backup into a fresh site, and into this one
// after its node was lost.
func (s *stack) backupAndRestore() {
	s.Helper()
	b := backup{file: filepath.Join(s.TempDir(), "backup.json.gz")}
	s.withoutFailures("backed up", func(s *stack) {
		b.rows, b.least = s.rows(), s.visits()
		s.make("backup", "FILE="+b.file)
		b.most = s.visits()
	})
	t := s.TB.(*testing.T)
	t.Run("restored", func(t *testing.T) {
		other := engine.Version + "-other"
		docker(t, "tag", engine.Image("app"), "mysimpleapp_app:"+other)
		atEnd(t, "image", "rm", "mysimpleapp_app:"+other) // after the end of the stack
		fresh := newStack(t)
		fresh.make("deploy", "VERSION="+engine.Version, "APP_REPLICAS=1")
		fresh.restore(b, s.in(t))
		fresh.deployAfterRollback(other)
	})
	t.Run("node lost", func(t *testing.T) { s.in(t).loseNode(b) })
}

// restore restores the backup of another site into this one, which is fresh.
func (s *stack) restore(b backup, original *stack) {
	s.Helper()
	half := b.file + ".half"
	content, err := os.ReadFile(b.file)
	if err == nil {
		err = os.WriteFile(half, content[:len(content)/2], 0o600)
	}
	if err != nil {
		s.Fatalf("half a backup: %v", err)
	}
	out, err := s.tryMake("restore", "FILE="+half)
	wantFailure(s, "make restore of half a backup", out, err, "is incomplete")

	wantRestored := func(after string) {
		s.Helper()
		want := original.rows()
		for token, row := range s.wantRows(b, after) {
			if row != want[token] {
				s.Errorf("after %s submission %s is %q, want %q", after, token, row, want[token])
			}
		}
		s.wantVisits(b, after)
	}
	s.make("restore", "FILE="+b.file)
	wantRestored("make restore")
	wantMigrated(s, s.containers("db")[0])
	out, err = s.tryMake("restore", "FILE="+b.file)
	wantFailure(s, "make restore over submissions", out, err, "there are submissions already",
		"MERGE=yes")
	s.make("restore", "FILE="+b.file, "ONLY=submissions", "MERGE=yes")
	wantRestored("make restore over submissions")
	s.forget()
}

// wantRows checks that the site has every submission of a backup, and returns those it has.
func (s *stack) wantRows(b backup, after string) map[string]string {
	s.Helper()
	rows := s.rows()
	for token, row := range b.rows {
		if rows[token] != row {
			s.Errorf("after %s submission %s is %q, want %q", after, token, rows[token], row)
		}
	}
	return rows
}

// wantVisits checks that the site counts as many visits as a backup may contain.
func (s *stack) wantVisits(b backup, after string) {
	s.Helper()
	if n := s.visits(); n < b.least || n > b.most {
		s.Errorf("after %s %d visits are counted, want %d to %d", after, n, b.least, b.most)
	}
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

// deployAfterRollback checks that a version can be deployed again after it was rolled back. Without
// a registry docker stack deploy compares its image with a label, which make rollback has to set.
func (s *stack) deployAfterRollback(version string) {
	s.Helper()
	s.make("deploy", "VERSION="+version)
	s.make("rollback")
	s.make("deploy", "VERSION="+version)
	if running := s.image(); running != "mysimpleapp_app:"+version {
		s.Errorf("after make rollback and deploy %s runs, want version %s", running, version)
	}
}

// loseNode loses the only node of db and cache, which means both volumes and the rotated passwords,
// and restores a backup.
func (s *stack) loseNode(b backup) {
	s.Helper()
	for _, service := range []string{"db", "cache"} {
		docker(s, "service", "update", "--quiet", "--detach",
			"--constraint-add", "node.labels.lost == true", s.name+"_"+service)
		engine.Eventually(s, "remove the volume of "+service, func() error {
			// Swarm keeps the stopped container for its log.
			out, err := engine.Run("bash", "-c", fmt.Sprintf(
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
	engine.Eventually(s, "make db-recover shows an empty copy", func() error {
		out, err = s.tryMake("db-recover")
		if !strings.Contains(out, "finds no group to copy from") {
			return fmt.Errorf("%v\n%s", err, out)
		}
		return nil
	})
	wantFailure(s, "make db-recover", out, err, "make db-recover NODE=…")
	node := "NODE=" + docker(s, "info", "--format", "{{.Name}}")
	out, err = s.tryMake("db-recover", node)
	wantFailure(s, "make db-recover of an empty copy", out, err, "LOSE=yes")
	s.make("db-recover", node, "LOSE=yes")
	engine.Eventually(s, "make status is green again", func() error {
		if out, err := s.tryMake("status"); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
	out, err = s.tryMake("restore", "FILE="+b.file)
	wantFailure(s, "make restore with a rotated password", out, err, "the password in ")
	s.make("rotate-secret", "NAME=mysql_password redis_password")
	s.make("restore", "FILE="+b.file, "ONLY=submissions")
	s.wantRows(b, "make restore of the submissions")
	// The rotation has replaced the replicas, which knew the count.
	s.make("restore", "FILE="+b.file, "ONLY=visits")
	s.wantVisits(b, "make restore of the visits")
}
