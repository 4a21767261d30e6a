//go:build servers

package tally_test

import (
	"database/sql/driver"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

// A fold that takes too long is not the sign of a dead server. Results goes on with older numbers,
// and the other connections to the server are kept.
func TestResultsKeepsTheConnectionsAfterASlowFold(t *testing.T) {
	s := testsite.EmptyMySQL(t)
	s.StopFolding()
	s.AddFood(t, "Soup", "FI", time.Now())
	if err := s.Tally.Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.AddFood(t, "Soup", "FI", time.Now())
	other, err := s.DB.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	root := testsite.MySQL().Root()
	defer root.Close()
	tx, err := root.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("SELECT n FROM tallies WHERE name = 'FI' FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	r, err := s.Tally.Results(t.Context(), time.UTC)
	if err != nil || len(r.Countries) != 1 || r.Countries[0].N != 1 {
		t.Errorf("Results = %v, %v, want the number of the last fold, 1", r.Countries, err)
	}
	err = other.Raw(func(conn any) error {
		if !conn.(driver.Validator).IsValid() {
			t.Error("a connection is given up after a slow fold, want that it is kept")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
