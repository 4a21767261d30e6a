//go:build servers

package food_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/testserver"
)

// Several migrators at once merge what the version before has counted apart, while that version
// still counts. The next one merges what it counts after they have passed.
func TestMigrateMergesFoods(t *testing.T) {
	name, root := oldDatabase(t, 0)
	if _, err := food.MigrateMySQL(t.Context(), mysqlConfig(migrator, name), quiet); err != nil {
		t.Fatal(err)
	}
	countAsBefore(t, root)
	stop := make(chan struct{})
	var before sync.WaitGroup
	var more int64
	before.Go(func() {
		old := mysqlServer.As(migrator, name)
		defer old.Close()
		for {
			_, err := old.Exec("INSERT INTO tallies (scope, name, n) " +
				"VALUES ('food', 'dish 0\u200b', 1), ('food:dish 0\u200b', 'Dish 0\u200b', 1) " +
				"ON DUPLICATE KEY UPDATE n = n + VALUES(n)")
			switch {
			case err == nil:
				more++
			case !strings.Contains(err.Error(), "1213"): // a deadlock: it would be tried again
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
			m, err := food.MigrateMySQL(t.Context(), mysqlConfig(migrator, name), quiet)
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
	if _, err := food.MigrateMySQL(t.Context(), mysqlConfig(migrator, name), quiet); err != nil {
		t.Error(err)
	}
	wantMerged(t, root, more)
	if m, err := food.MigrateMySQL(t.Context(), mysqlConfig(migrator, name), quiet); err != nil || m.Merged != 0 {
		t.Errorf("migrate again merges %d spellings, %v, want 0", m.Merged, err)
	}

	for _, table := range []string{"submissions", "tallies", "tally_log"} {
		grant := fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO '%s'@'%%'", table, testserver.User)
		if _, err := root.Exec(grant); err != nil {
			t.Fatal(err)
		}
	}
	s, err := food.OpenMySQL(mysqlConfig(testserver.User, name), quiet, unobserved)
	closeAtEnd(t, s, err)
	add(t, s, "dish\u00a01", "GB", time.Now().UTC())
	if r := results(t, s, time.UTC); r.Foods[1] != (food.Count{Name: "dish 1", N: 7}) {
		t.Errorf("the second food is %v, want dish 1, 7 times", r.Foods[1])
	}
}
