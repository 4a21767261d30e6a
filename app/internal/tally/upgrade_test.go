package tally_test

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"simpleapp/internal/database"
	"simpleapp/internal/tally"
)

// dishes is a number of foods. Their spellings, three each, are more than Upgrade reads at a time.
const dishes = 400

// spellingsOf returns the spellings of a dish and how often each was counted.
func spellingsOf(dish int) map[string]int64 {
	return map[string]int64{
		fmt.Sprintf("dish %d", dish):       3,
		fmt.Sprintf("DISH  %d", dish):      2,
		fmt.Sprintf("Dish %d\u200b", dish): 1,
	}
}

// countAsBefore counts the spellings of every dish as an older version did: its key was the
// spelling in lower case.
func countAsBefore(t *testing.T, db *sql.DB) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	count := func(spelling string, n int64) {
		t.Helper()
		key := strings.ToLower(spelling)
		_, err := tx.Exec("INSERT INTO tallies (scope, name, n) VALUES ('food', ?, ?), (?, ?, ?)",
			key, n, "food:"+key, spelling, n)
		if err != nil {
			t.Fatal(err)
		}
	}
	for dish := range dishes {
		for spelling, n := range spellingsOf(dish) {
			count(spelling, n)
		}
	}
	count("\u3164", 5) // invisible, but valid in the older version
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// wantMerged checks that the spellings of each dish are counted as one food. more is how often the
// last spelling of dish 0 was counted in addition.
func wantMerged(t *testing.T, db *sql.DB, more int64) {
	t.Helper()
	want := map[string]int64{"food/": 5, "food:/\u3164": 5}
	for dish := range dishes {
		key := fmt.Sprintf("dish %d", dish)
		want["food/"+key] = 6
		for spelling, n := range spellingsOf(dish) {
			want["food:"+key+"/"+spelling] = n
		}
	}
	want["food/dish 0"] += more
	want["food:dish 0/Dish 0\u200b"] += more
	got := make(map[string]int64)
	rows, err := db.Query("SELECT scope, name, n FROM tallies WHERE scope LIKE 'food%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var scope, name string
		var n int64
		if err := rows.Scan(&scope, &name, &n); err != nil {
			t.Fatal(err)
		}
		got[scope+"/"+name] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if maps.Equal(got, want) {
		return
	}
	t.Errorf("%d tallies of foods, want %d", len(got), len(want))
	reported := 0
	for key, n := range got {
		if want[key] != n && reported < 10 {
			t.Errorf("%q = %d, want %d", key, n, want[key])
			reported++
		}
	}
}

// Several instances, each with its own connections, open a file of an older version concurrently,
// and merge its foods. After that, no instance reads all foods again.
func TestSQLiteMergesFoodsOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db")
	open := func() {
		t.Helper()
		upgradeFile(t, file)
	}
	open()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA user_version = 0"); err != nil {
		t.Fatal(err)
	}
	countAsBefore(t, db)
	var group sync.WaitGroup
	for range 3 {
		group.Go(open)
	}
	group.Wait()
	wantMerged(t, db, 0)
	_, err = db.Exec("INSERT INTO tallies (scope, name, n) VALUES ('food:x\u200b', 'x\u200b', 0)")
	if err != nil {
		t.Fatal(err)
	}
	open()
	var n int
	err = db.QueryRow("SELECT COUNT(*) FROM tallies WHERE scope = 'food:x\u200b'").Scan(&n)
	if err != nil || n != 1 {
		t.Errorf("%d foods of an older version, %v, want 1, because UpgradeFile merges only once",
			n, err)
	}
}

// upgradeFile opens a file and upgrades it, as the program does when it starts.
func upgradeFile(t *testing.T, file string) {
	t.Helper()
	db, err := database.OpenSQLite(file)
	if err != nil {
		t.Error(err)
		return
	}
	err = tally.New(db).UpgradeFile(t.Context())
	if err := errors.Join(err, db.Close()); err != nil {
		t.Error(err)
	}
}
