package deploy

import (
	"maps"
	"strings"
	"testing"

	"simpleapp/test/engine"
)

// make deploy turns the database of an older version into the first copy of a group, with its data,
// and says what that costs.
func TestOlderSiteBecomesAGroup(t *testing.T) {
	leaveSwarmAtEnd(t)
	s := newStack(t)
	s.make("deploy", "VERSION="+engine.Version, "APP_REPLICAS=1", "DB_FIRST=0",
		"STACK_RENDER="+engine.OlderRender())
	docker(t, "config", "rm", s.name+"_db_started") // an older version makes none
	if mode := s.service("db", "{{json .Spec.Mode}}"); !strings.Contains(mode, "Replicated") {
		t.Fatalf("the older db has the mode %s", mode)
	}
	const submissions = 3
	for range submissions {
		s.submit()
	}
	const all = "SELECT token, first_name, created_at FROM submissions"
	rows := func(client ...string) map[string]string {
		t.Helper()
		args := append([]string{"exec", s.containers("db")[0]}, client...)
		out := docker(t, append(args, "--skip-column-names", "--execute", all, "simple_db")...)
		found, err := engine.Rows(out)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	before := rows("mysql", "--user=root", "--protocol=socket")
	if len(before) != submissions {
		t.Fatalf("the older db has %d rows, want %d", len(before), submissions)
	}

	if out := s.make("deploy"); !strings.Contains(out, "db becomes a group of copies") {
		t.Errorf("make deploy does not say what happens:\n%s", out)
	}
	if mode := s.service("db", "{{json .Spec.Mode}}"); !strings.Contains(mode, "Global") {
		t.Errorf("db has the mode %s, want Global", mode)
	}
	if out, err := s.tryMake("status"); err != nil {
		t.Errorf("make status: %v\n%s", err, out)
	}
	if after := rows("db-admin"); !maps.Equal(after, before) {
		t.Errorf("the group has the rows %v, want %v", after, before)
	}
	s.submit()
}
