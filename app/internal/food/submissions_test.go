package food_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/testsite"
)

func TestAddStoresATokenOnce(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			s := testsite.New(t, kind.Open(t))
			first := testsite.Submission()
			other := first
			other.FavouriteFood = "Soup"
			if err := s.Store(first); err != nil {
				t.Fatal(err)
			}
			again := first
			again.AddedAt = again.AddedAt.Add(time.Hour)
			if err := s.Store(again); err != nil {
				t.Errorf("same token, same answers: Store = %v, want nil", err)
			}
			var conflict *food.ConflictError
			if err := s.Store(other); !errors.As(err, &conflict) || conflict.Stored != first {
				t.Errorf("same token, other answers: Store = %v, want a conflict with the first",
					err)
			}
			rows, err := s.Recent(t.Context(), 10)
			if err != nil || len(rows) != 1 || rows[0].Submission != first {
				t.Errorf("Recent = %v, %v, want the first alone", rows, err)
			}
		})
	}
}

func TestAddAfterCloseSaysThatTheProgramIsStopping(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			s := testsite.New(t, kind.Open(t))
			if err := s.Submissions.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			err := s.Add(testsite.Submission())
			if !errors.Is(err, food.ErrNotStored) || !strings.Contains(err.Error(), "stopping") {
				t.Errorf("Add = %v, want ErrNotStored because the program is stopping", err)
			}
		})
	}
}

// Concurrent callers add each token several times, once with other answers. Each token is stored
// once, every caller gets the correct result, and there are far fewer batches than callers.
func TestAddCombinesConcurrentSubmissions(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			var batches, seen, stored atomic.Int64
			s := *testsite.New(t, kind.Open(t))
			s.Submissions = food.New(s.DB, func(submissions, rows int) {
				batches.Add(1)
				seen.Add(int64(submissions))
				stored.Add(int64(rows))
			})
			defer s.Submissions.Close(t.Context())
			const tokens, copies = 200, 5
			var group sync.WaitGroup
			var confirmed, conflicts atomic.Int64
			began := time.Now()
			for range tokens {
				sub := testsite.Submission()
				for n := range copies {
					sub := sub
					if n == 0 {
						sub.LastName = "Byron"
					}
					group.Go(func() {
						var conflict *food.ConflictError
						switch err := s.Store(sub); {
						case err == nil:
							confirmed.Add(1)
						case errors.As(err, &conflict) && !conflict.Stored.SameAnswers(sub):
							conflicts.Add(1)
						default:
							t.Errorf("Store = %v", err)
						}
					})
				}
			}
			group.Wait()
			// Add times out after 3 s or more, and Store then adds the submission again.
			exact := time.Since(began) < 3*time.Second
			rows, err := s.Recent(t.Context(), 2*tokens)
			if err != nil {
				t.Fatal(err)
			}
			var byron int64
			for _, row := range rows {
				if row.LastName == "Byron" {
					byron++
				}
			}
			if len(rows) != tokens {
				t.Errorf("%d rows, want %d", len(rows), tokens)
			}
			wantConfirmed := byron + (copies-1)*(tokens-byron)
			wantConflicts := tokens*copies - wantConfirmed
			if confirmed.Load() != wantConfirmed || conflicts.Load() != wantConflicts {
				t.Errorf("%d confirmed, %d conflicts, want %d and %d",
					confirmed.Load(), conflicts.Load(), wantConfirmed, wantConflicts)
			}
			if batches.Load() > tokens*copies/4 {
				t.Errorf("%d batches, want at most %d", batches.Load(), tokens*copies/4)
			}
			if !exact {
				t.Log("the machine is too slow to check how many submissions were observed")
			} else if seen.Load() != tokens*copies || stored.Load() != tokens {
				t.Errorf("%d submissions and %d rows observed, want %d and %d",
					seen.Load(), stored.Load(), tokens*copies, tokens)
			}
		})
	}
}
