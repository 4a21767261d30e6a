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

// lockedFile returns a Counter in a new file, and a connection of another program, which holds the
// lock of the file until it ends its transaction.
func lockedFile(t *testing.T) (c *visits.Counter, other *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "visits.db")
	c, err := visits.OpenSQLite(path, slog.New(slog.DiscardHandler), unobserved)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, c)
	other, err = sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	other.SetMaxOpenConns(1) // this connection holds the lock
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return c, other
}

// While another program holds the lock of the file, no visitor gets a number. Once the lock is
// released, every visit is counted once.
func TestVisitsAreExactOnALockedFile(t *testing.T) {
	c, other := lockedFile(t)
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
