package visits_test

import (
	"database/sql"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"simpleapp/internal/testsite"
	"simpleapp/internal/visits"
)

// A batch is faster with small pages. See OpenSQLite.
func TestNewFileHasSmallPages(t *testing.T) {
	_, other := lockedFile(t, unobserved)
	var size int
	if err := other.QueryRow("PRAGMA page_size").Scan(&size); err != nil || size != 1024 {
		t.Errorf("page_size = %d, %v, want 1024", size, err)
	}
}

// lockedFile returns a Counter in a new file, and a connection of another program, which holds the
// lock of the file until it ends its transaction.
func lockedFile(t *testing.T, onBatch func(int)) (c *visits.Counter, other *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "visits.db")
	c, err := visits.OpenSQLite(path, testsite.Quiet, onBatch)
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
	c, other := lockedFile(t, unobserved)
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

// Once the store answers again, a crowd of visitors gets numbers at once: no visitor has to wait
// for a pause in which nobody comes.
func TestVisitorsGetNumbersSoonAfterAnOutage(t *testing.T) {
	var batches atomic.Int64
	c, other := lockedFile(t, func(int) { batches.Add(1) })
	const crowd = 50
	var waiting, visitors sync.WaitGroup
	var numbered atomic.Int64
	waiting.Add(crowd)
	for range crowd {
		visitors.Go(func() {
			for { // until the Counter is down: it then refuses a visit without sending it
				if _, err := c.Visit(); err == visits.ErrUnavailable {
					break
				}
			}
			waiting.Done()
			for numbered.Load() == 0 {
				if _, err := c.Visit(); err == nil {
					numbered.Add(1)
				}
			}
		})
	}
	waiting.Wait()
	before := batches.Load()
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	visitors.Wait()
	if n := batches.Load() - before; n > 10 {
		t.Errorf("the first visitor got a number after %d batches, want 10 at most", n)
	}
}
