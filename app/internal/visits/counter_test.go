package visits_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/visits"
)

// An opener opens counters of one and the same total.
type opener func(observe func(visits int)) *visits.Counter

// A kind is a store that a Counter can be opened over.
type kind struct {
	name string
	open func(t *testing.T) opener // of an empty store
}

// stores are the kinds of stores. With the tag servers, Redis is one of them.
var stores = []kind{
	{"SQLite", func(t *testing.T) opener {
		path := filepath.Join(t.TempDir(), "visits ?%20.db")
		return func(observe func(int)) *visits.Counter {
			c, err := visits.OpenSQLite(path, slog.New(slog.DiscardHandler), observe)
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

func wantTotal(t *testing.T, c *visits.Counter, want int64) {
	t.Helper()
	if got, err := c.Total(); got != want || err != nil {
		t.Errorf("Total = %d, %v, want %d", got, err, want)
	}
}

// eventually waits for what must come true.
func eventually(t *testing.T, what string, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !true(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in 20 s: %s", what)
		}
	}
}

func TestEachVisitGetsItsOwnNumber(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			open := kind.open(t)
			const processes, each = 3, 1000
			numbers := make([]int64, processes*each)
			var group sync.WaitGroup
			for p := range processes {
				c := open(unobserved)
				for i := range each {
					group.Go(func() {
						var err error
						numbers[p*each+i], err = c.Visit()
						if err != nil && !errors.Is(err, visits.ErrUnavailable) { // on a busy machine
							t.Errorf("Visit = %v", err)
						}
						if i%10 == 0 {
							total, err := c.Total()
							if err == nil && total < 1 || err != nil && !errors.Is(err, visits.ErrUnavailable) {
								t.Errorf("Total = %d, %v", total, err)
							}
						}
					})
				}
			}
			group.Wait()
			slices.Sort(numbers)
			numbers = slices.DeleteFunc(numbers, func(n int64) bool { return n == 0 }) // unavailable
			for i, number := range numbers {
				if number > processes*each || i > 0 && number == numbers[i-1] {
					t.Fatalf("visit number %d of %d was given twice or does not exist", number, processes*each)
				}
			}
			if len(numbers) == 0 {
				t.Error("no visit got a number")
			}
			last := open(unobserved)
			eventually(t, "every visit is counted", func() bool {
				total, err := last.Total()
				return err == nil && total >= processes*each
			})
			wantTotal(t, last, processes*each)
		})
	}
}

func TestConcurrentVisitsShareACommand(t *testing.T) {
	for _, kind := range stores {
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
			if counted.Load() != 64*50 || batches.Load() > 64*50/4 {
				t.Errorf("%d visits in %d batches, want %d in far fewer", counted.Load(), batches.Load(), 64*50)
			}
		})
	}
}

func TestTotalCountsNothing(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			c := kind.open(t)(unobserved)
			wantTotal(t, c, 0)
			wantTotal(t, c, 0)
			if n, err := c.Visit(); n != 1 || err != nil {
				t.Errorf("Visit = %d, %v, want 1", n, err)
			}
			wantTotal(t, c, 1)
		})
	}
}

func TestTheTotalOutlivesTheProcess(t *testing.T) {
	for _, kind := range stores {
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
