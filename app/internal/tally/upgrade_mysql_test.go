//go:build servers

package tally_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/tally"
	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// Several migrators merge the foods of an older version concurrently, while that version still
// counts. The next migrator merges the foods that were counted too late for the others.
func TestMigrateMergesFoods(t *testing.T) {
	name, root := testsite.OldDatabase(t, 0)
	if _, err := testsite.Migrate(t, name); err != nil {
		t.Fatal(err)
	}
	countAsBefore(t, root)
	stop := make(chan struct{})
	var before sync.WaitGroup
	var more int64
	before.Go(func() {
		old := testsite.MySQL().As(testsite.Migrator, name)
		defer old.Close()
		for {
			_, err := old.Exec("INSERT INTO tallies (scope, name, n) " +
				"VALUES ('food', 'dish 0\u200b', 1), ('food:dish 0\u200b', 'Dish 0\u200b', 1) " +
				"ON DUPLICATE KEY UPDATE n = n + VALUES(n)")
			switch {
			case err == nil:
				more++
			case !strings.Contains(err.Error(), "1213"): // deadlocks are expected
				t.Error(err)
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	var merged [3]int
	var group sync.WaitGroup
	for i := range merged {
		group.Go(func() {
			m, err := testsite.Migrate(t, name)
			if err != nil {
				t.Error(err)
			}
			merged[i] = m.Merged
		})
	}
	group.Wait()
	close(stop)
	before.Wait()
	if sum := merged[0] + merged[1] + merged[2]; sum < 2*dishes+1 {
		t.Errorf("%d spellings were merged, want at least %d", sum, 2*dishes+1)
	}
	if _, err := testsite.Migrate(t, name); err != nil {
		t.Error(err)
	}
	wantMerged(t, root, more)
	if m, err := testsite.Migrate(t, name); err != nil || m.Merged != 0 {
		t.Errorf("migrate again merges %d spellings, %v, want 0", m.Merged, err)
	}

	for _, table := range []string{"submissions", "tallies", "tally_log"} {
		grantAll(t, root, table)
	}
	s := testsite.New(t, testsite.OpenConfig(t, testsite.Config(testserver.User, name)))
	s.AddFood(t, "dish\u00a01", "GB", time.Now().UTC())
	if r := s.Results(t, time.UTC); r.Foods[1] != (tally.Count{Name: "dish 1", N: 7}) {
		t.Errorf("the second food is %v, want dish 1, 7 times", r.Foods[1])
	}
}

// grantAll gives the app's account all rights to the rows of a table.
func grantAll(t *testing.T, root *sql.DB, table string) {
	t.Helper()
	_, err := root.Exec(fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO '%s'@'%%'",
		table, testserver.User))
	if err != nil {
		t.Fatal(err)
	}
}

func TestMigrateCountsEveryOldRowOnce(t *testing.T) {
	name, root := testsite.OldDatabase(t, 12_000)
	old := testsite.New(t, testsite.OpenConfig(t, testsite.Config(testserver.User, name)))
	if err := old.Tally.Ping(t.Context()); err == nil {
		t.Error("Ping of an old schema = nil, want an error, because counting does not work there")
	}

	var done [3]testsite.Migration
	var group sync.WaitGroup
	for i := range done {
		group.Go(func() {
			var err error
			if done[i], err = testsite.Migrate(t, name); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	var applied []string
	counted := 0
	for _, m := range done {
		applied = append(applied, m.Applied...)
		counted += m.Counted
	}
	files, err := filepath.Glob("../database/migrations/mysql/*.sql")
	if err != nil || len(applied) != len(files) || counted != 12_000 {
		t.Errorf("applied %v, counted %d rows, want each migration once and 12000 rows",
			applied, counted)
	}
	testsite.WantTallies(t, name)

	// Old versions go on storing submissions beside new ones.
	testsite.StoreOld(t, root, 30)
	for _, table := range []string{"tallies", "tally_log"} {
		grantAll(t, root, table)
	}
	if err := old.Tally.Ping(t.Context()); err != nil {
		t.Errorf("Ping of the new schema = %v", err)
	}
	old.AddFood(t, "Pizza", "SG", time.Now().UTC())
	for _, want := range []int{30, 0} {
		m, err := testsite.Migrate(t, name)
		if err != nil || m.Applied != nil || m.Counted != want {
			t.Errorf("migrate again = %v, %v, want %d rows counted", m, err, want)
		}
		old.Results(t, time.UTC)
		testsite.WantTallies(t, name)
	}
	var firstName string
	err = root.QueryRow("SELECT first_name FROM submissions WHERE token = " +
		"(SELECT token FROM submissions ORDER BY id DESC LIMIT 1)").Scan(&firstName)
	if err != nil || firstName != "Ada" {
		t.Errorf("an old version's SELECT = %q, %v, want Ada", firstName, err)
	}
}
