package visits_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"simpleapp/internal/testsite"
	"simpleapp/internal/visits"
)

// wantCanCount waits until visits can be counted. A check of Redis times out after a second, and
// the disk may take longer.
func wantCanCount(t *testing.T, c *visits.Counter) {
	t.Helper()
	testsite.Eventually(t, "visits can be counted", func() error {
		return c.CanCount(t.Context())
	})
}

// CanCount counts nothing: not in an empty store, not between visits, and not in a store that has
// lost its data.
func TestCanCountCountsNothing(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			db := testsite.EmptySQLite(t)
			defer db.Close()
			open := kind.open(t)
			c, other := open(unobserved), open(unobserved)
			for number := range int64(3) {
				for range 3 {
					wantCanCount(t, c)
					wantCanCount(t, other)
				}
				wantTotal(t, c, number)
				wantVisit(t, c, number+1)
			}
			if err := c.Remember(t.Context(), db); err != nil {
				t.Fatal(err)
			}

			fresh := kind.open(t)(unobserved)
			wantCanCount(t, fresh)
			if err := fresh.Remember(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			wantCanCount(t, fresh)
			wantTotal(t, fresh, 3)
			wantVisit(t, fresh, 4)
		})
	}
}

// CanCount succeeds also while visits come in without a pause.
func TestCanCountUnderLoad(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			c := kind.open(t)(unobserved)
			stop := make(chan struct{})
			var visitors sync.WaitGroup
			for range 16 {
				visitors.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							c.Visit()
						}
					}
				})
			}
			const checks = 200
			failed, most := 0, 0
			if kind.name == "Redis" {
				most = 10 // while the disk stalls, each check times out after a second
			}
			var last error
			for range checks {
				if err := c.CanCount(t.Context()); err != nil {
					failed++
					last = err
				}
			}
			close(stop)
			visitors.Wait()
			if failed > most {
				t.Errorf("CanCount failed %d times of %d, at last with %v, want %d times at most",
					failed, checks, last, most)
			}
		})
	}
}

// While another program holds the lock of the file, nothing can be counted, although the file can
// be read.
func TestCanCountOnALockedFile(t *testing.T) {
	c, other := lockedFile(t, unobserved)
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("Ping of a locked file = %v, want nil", err)
	}
	if err := c.CanCount(t.Context()); err == nil {
		t.Error("CanCount in a locked file = nil, want an error")
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	wantCanCount(t, c)
}

// Each version of Redis has its own words for this error, and the tests with a server meet only
// those of the version that is installed.
func TestHintKnowsTheWordsOfEachRedis(t *testing.T) {
	for _, words := range []string{
		"NOPERM this user has no permissions to run the 'evalsha' command",
		"ERR The user executing the script can't run this command or subcommand script: 3f", // 7.0
		"ERR ACL failure in script: User a has no permissions to run the 'incrby' command",  // 7.2
	} {
		if hint := visits.Hint(errors.New(words)); !strings.Contains(hint, "may not count") {
			t.Errorf("Hint(%q) = %q, want that the user may not count", words, hint)
		}
	}
}
