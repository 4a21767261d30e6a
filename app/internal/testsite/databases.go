package testsite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"simpleapp/internal/batch"
	"simpleapp/internal/database"
	"simpleapp/internal/food"
	"simpleapp/internal/tally"
)

// A Database is a kind of database. Open opens an empty one.
type Database struct {
	Name string
	Open func(t testing.TB) *database.DB
}

// Databases lists the kinds of databases. The build tag servers adds MySQL.
var Databases = []Database{{"SQLite", EmptySQLite}}

// EmptySQLite opens a new SQLite file. Its path has characters that must be escaped in an address.
func EmptySQLite(t testing.TB) *database.DB {
	t.Helper()
	return OpenSQLite(t, filepath.Join(t.TempDir(), "a b?c%20.db"))
}

// OpenSQLite opens a SQLite file, or creates it.
func OpenSQLite(t testing.TB, path string) *database.DB {
	t.Helper()
	db, err := database.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// A Site contains the parts of the site that use the database DB.
type Site struct {
	*food.Submissions
	Tally       *tally.Tally
	StopFolding func() // ends the folding that New has started
	DB          *database.DB
}

// New returns a Site that uses a database. Both are closed when the test ends.
func New(t testing.TB, db *database.DB) *Site {
	counts := tally.New(db)
	s := &Site{food.New(db, func(int, int) {}), counts, counts.Start(Quiet), db}
	t.Cleanup(func() {
		if err := s.Submissions.Close(context.Background()); err != nil {
			t.Error(err)
		}
		s.StopFolding()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// AddFood stores a submission with a food, a country and a time.
func (s *Site) AddFood(t testing.TB, favourite, country string, at time.Time) {
	t.Helper()
	sub := Submission()
	sub.FavouriteFood, sub.Country, sub.AddedAt = favourite, country, at
	if err := s.Store(sub.Normalized()); err != nil {
		t.Fatal(err)
	}
}

// Store adds a submission. If the machine is so busy that Add times out, Store tries again, for a
// minute.
func (s *Site) Store(sub food.Submission) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(database.RetryDelay) {
		err := s.Add(sub)
		slow := errors.Is(err, batch.ErrSlow) || errors.Is(err, context.DeadlineExceeded) ||
			errors.Is(err, food.ErrUnconfirmed)
		if !slow || time.Now().After(deadline) {
			return err
		}
	}
}

// Results returns the results, with the days of a zone. See Folded.
func (s *Site) Results(t testing.TB, zone *time.Location) (r tally.Results) {
	t.Helper()
	Folded(t, func() {
		var err error
		if r, err = s.Tally.Results(t.Context(), zone); err != nil {
			t.Fatal(err)
		}
	})
	return r
}

// Folded repeats the function read, which reads results, until it takes less than a second. If it
// takes longer, the results may lack submissions: see Tally.Results.
func Folded(t testing.TB, read func()) {
	t.Helper()
	Eventually(t, "results in less than a second", func() error {
		began := time.Now()
		read()
		if took := time.Since(began); took >= time.Second {
			return fmt.Errorf("they took %v", took)
		}
		return nil
	})
}
