package visits_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"simpleapp/internal/testsite"
	"simpleapp/internal/visits"
)

// An opener opens counters that share one total.
type opener func(observe func(visits int)) *visits.Counter

// A kind is a kind of store.
type kind struct {
	name string
	open func(t *testing.T) opener // empties the store first
}

// kinds lists the kinds of stores. The build tag servers adds Redis.
var kinds = []kind{
	{"SQLite", func(t *testing.T) opener {
		path := filepath.Join(t.TempDir(), "visits ?%20.db")
		return func(observe func(int)) *visits.Counter {
			c, err := visits.OpenSQLite(path, testsite.Quiet, observe)
			if err != nil {
				t.Fatal(err)
			}
			return closeAtEnd(t, c)
		}
	}},
}

func closeAtEnd(t *testing.T, c *visits.Counter) *visits.Counter {
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func unobserved(int) {}

// total returns the total. It waits while the disk is too slow for an answer in time.
func total(t *testing.T, c *visits.Counter) (n int64) {
	t.Helper()
	testsite.Eventually(t, "the store answers", func() (err error) {
		n, err = c.Total()
		return err
	})
	return n
}

func wantTotal(t *testing.T, c *visits.Counter, want int64) {
	t.Helper()
	if got := total(t, c); got != want {
		t.Errorf("Total = %d, want %d", got, want)
	}
}

// wantVisit checks the number of the next visit. If the disk is too slow for a number in time,
// wantVisit checks the total once the visit is counted.
func wantVisit(t *testing.T, c *visits.Counter, want int64) {
	t.Helper()
	got, err := c.Visit()
	if errors.Is(err, visits.ErrUnavailable) {
		got, err = total(t, c), nil
	}
	if got != want || err != nil {
		t.Errorf("Visit = %d, %v, want %d", got, err, want)
	}
}

// wantEventually waits until the counter has this total.
func wantEventually(t *testing.T, c *visits.Counter, want int64) {
	t.Helper()
	testsite.Eventually(t, "every visit is counted", func() error {
		if got, err := c.Total(); got != want || err != nil {
			return fmt.Errorf("Total = %d, %v, want %d", got, err, want)
		}
		return nil
	})
}

func TestEachVisitGetsItsOwnNumber(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			open := kind.open(t)
			const processes, each = 3, 1000
			numbers := make([]int64, processes*each)
			var group sync.WaitGroup
			for p := range processes {
				c := open(unobserved)
				for i := range each {
					group.Go(func() {
						number, err := c.Visit()
						numbers[p*each+i] = number
						// On a busy machine the store may not answer in time.
						if err != nil && !errors.Is(err, visits.ErrUnavailable) {
							t.Errorf("Visit = %v, want nil or ErrUnavailable", err)
						}
						if i%10 > 0 {
							return
						}
						total, err := c.Total()
						if err == nil && total < 1 {
							t.Errorf("Total after a visit = %d, want at least 1", total)
						}
						if err != nil && !errors.Is(err, visits.ErrUnavailable) {
							t.Errorf("Total = %v, want nil or ErrUnavailable", err)
						}
					})
				}
			}
			group.Wait()
			unavailable := func(number int64) bool { return number == 0 }
			numbers = slices.DeleteFunc(numbers, unavailable)
			slices.Sort(numbers)
			for i, number := range numbers {
				if number > processes*each || i > 0 && number == numbers[i-1] {
					t.Fatalf("Visit = %d, want numbers up to %d, each once",
						number, processes*each)
				}
			}
			if len(numbers) == 0 {
				t.Error("every Visit was unavailable, want some numbers")
			}
			wantEventually(t, open(unobserved), processes*each)
		})
	}
}

func TestConcurrentVisitsShareACommand(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			var batches, counted atomic.Int64
			c := kind.open(t)(func(n int) {
				batches.Add(1)
				counted.Add(int64(n))
			})
			var group sync.WaitGroup
			for range 64 {
				group.Go(func() {
					for range 50 {
						c.Visit()
					}
				})
			}
			group.Wait()
			const visits = 64 * 50
			testsite.Eventually(t, "every visit is in a batch", func() error {
				if n := counted.Load(); n != visits {
					return fmt.Errorf("%d are, want %d", n, visits)
				}
				return nil
			})
			if batches.Load() > visits/4 {
				t.Errorf("%d visits in %d batches, want at most %d",
					visits, batches.Load(), visits/4)
			}
		})
	}
}

func TestTotalIsNoVisit(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			c := kind.open(t)(unobserved)
			wantTotal(t, c, 0)
			wantTotal(t, c, 0)
			wantVisit(t, c, 1)
			wantTotal(t, c, 1)
		})
	}
}

func TestCountsOnFromTheLargestImport(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			c := kind.open(t)(unobserved)
			c.Add(visits.MaxImport)
			wantEventually(t, c, visits.MaxImport)
			for n := range int64(3) {
				wantVisit(t, c, visits.MaxImport+1+n)
			}
		})
	}
}

func TestTotalOutlivesTheProcess(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			open := kind.open(t)
			first := open(unobserved)
			first.Visit()
			if err := first.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantTotal(t, open(unobserved), 1)
		})
	}
}

// A store that lost its data, such as a Redis on a new volume, goes on from the total that a
// process or the database has seen.
func TestTotalOutlivesTheStore(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			db := testsite.EmptySQLite(t)
			defer db.Close()
			remember := func(c *visits.Counter) {
				t.Helper()
				if err := c.Remember(t.Context(), db); err != nil {
					t.Errorf("Remember = %v", err)
				}
			}
			open := kind.open(t)
			before := open(unobserved)
			for range 5 {
				before.Visit()
			}
			wantEventually(t, before, 5)
			reader := open(unobserved) // counts nothing, but shows the total
			wantTotal(t, reader, 5)
			remember(reader)

			open = kind.open(t)
			fresh := open(unobserved)
			remember(fresh)
			wantTotal(t, fresh, 5)
			wantVisit(t, fresh, 6)
			wantTotal(t, open(unobserved), 6)

			// A process that has seen less does not lower what the database remembers.
			less := open(unobserved)
			remember(less)
			remember(fresh)
			remember(less)
			last := kind.open(t)(unobserved) // its store is empty: it has the database's total
			remember(last)
			wantTotal(t, last, 6)
		})
	}
}
