package visits_test

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"simpleapp/internal/visits"
)

// While another program holds the lock of the file, no visitor gets a number. Once the lock is
// released, every visit is counted once.
func TestVisitsAreExactOnALockedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "visits.db")
	c, err := visits.OpenSQLite(path, slog.New(slog.DiscardHandler), unobserved)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, c)
	other, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1) // this connection holds the lock
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	const visitors = 20
	var numbered atomic.Int64
	visit := func() {
		if _, err := c.Visit(); err == nil {
			numbered.Add(1)
		}
	}
	var group sync.WaitGroup
	for range visitors {
		group.Go(visit)
	}
	group.Wait()
	if numbered.Load() > 0 {
		t.Errorf("%d visitors got a number while the file was locked, want none", numbered.Load())
	}
	for range visitors { // by now the counter may be down
		visit()
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	wantEventually(t, c, 2*visitors)
	wantVisit(t, c, 2*visitors+1)
}
