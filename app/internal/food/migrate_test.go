package food_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"simpleapp/internal/food"
)

// oldInsert is how versions from before the tallies stored a submission.
const oldInsert = "INSERT INTO submissions (token, first_name, last_name, favourite_food, country, created_at) VALUES (?, ?, ?, ?, ?, ?)"

// storeOld stores submissions as an old version did.
func storeOld(t *testing.T, db *sql.DB, rows int) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		_, err := tx.Exec(oldInsert, food.NewToken(), "Ada", "Lovelace", []string{"Pizza", "pizza", fmt.Sprintf("Dish %d", i)}[i%3], "GB",
			time.Now().UTC().Add(-time.Duration(i)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// A file from before there were tallies is brought up to date when it is opened, by several at once.
func TestAnOldSQLiteFileIsBroughtUpToDate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	first, err := os.ReadFile("migrations/sqlite/00001_submissions.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(first)); err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	const rows = 12_000
	for i := range rows {
		if _, err := tx.Exec(oldInsert, food.NewToken(), "Ada", "Lovelace", []string{"Pizza", "pizza"}[i%2], "GB", time.Now().UTC().Format("2006-01-02 15:04:05.999999999-07:00")); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			s, err := food.OpenSQLite(file, quiet, unobserved)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	s, err := food.OpenSQLite(file, quiet, unobserved)
	closeAtEnd(t, s, err)
	if r := results(t, s, time.UTC); len(r.Foods) != 1 || r.Foods[0] != (food.Count{Name: "Pizza", N: rows}) {
		t.Errorf("foods = %v, want %d pizzas", r.Foods, rows)
	}
}
