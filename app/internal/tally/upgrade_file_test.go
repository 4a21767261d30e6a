package tally_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/tally"
	"simpleapp/internal/testsite"
)

// Several instances, each with its own connections, open a file of a version without tallies. Each
// submission must be counted once.
func TestUpgradeFileCountsOldSubmissions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	first, err := os.ReadFile("../database/migrations/sqlite/00001_submissions.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(first)); err != nil {
		t.Fatal(err)
	}
	const rows = 12_000
	testsite.StoreOld(t, db, rows)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() { upgradeFile(t, file) })
	}
	group.Wait()
	s := testsite.New(t, testsite.OpenSQLite(t, file))
	if r := s.Results(t, time.UTC); r.Foods[0] != (tally.Count{Name: "Pizza", N: 2 * rows / 3}) {
		t.Errorf("foods = %v, want %d pizzas first", r.Foods, 2*rows/3)
	}
	var n int
	err = db.QueryRow("SELECT SUM(n) FROM tallies WHERE scope = 'country'").Scan(&n)
	if err != nil || n != rows {
		t.Errorf("%d submissions are counted, %v, want %d", n, err, rows)
	}
}
