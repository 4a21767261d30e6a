package food_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/testsite"
)

func submissions(records []food.Record) []food.Submission {
	var subs []food.Submission
	for _, r := range records {
		subs = append(subs, r.Submission)
	}
	return subs
}

// Pages follow each other without a gap or a repetition, both ways, also while rows arrive.
func TestPages(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			s := testsite.New(t, kind.Open(t))
			add := func() {
				if err := s.Add(testsite.Submission()); err != nil {
					t.Fatal(err)
				}
			}
			if page, err := s.Before(t.Context(), food.Newest, 3); err != nil || len(page.Records)+int(page.Older)+int(page.Newer) != 0 {
				t.Errorf("an empty table: %v, %v", page, err)
			}
			for range 7 {
				add()
			}
			all, err := s.Recent(t.Context(), 100)
			if err != nil {
				t.Fatal(err)
			}
			page, err := s.Before(t.Context(), food.Newest, 3)
			check := func(want []food.Record, older, newer bool) {
				t.Helper()
				if err != nil || !slices.Equal(page.Records, want) || (page.Older != 0) != older || (page.Newer != 0) != newer {
					t.Fatalf("page = %v, %v, want %v, older %v, newer %v", page, err, want, older, newer)
				}
			}
			check(all[:3], true, false)
			add() // moves nobody's page
			page, err = s.Before(t.Context(), page.Older, 3)
			check(all[3:6], true, true)
			page, err = s.Before(t.Context(), page.Older, 3)
			check(all[6:], false, true)
			page, err = s.After(t.Context(), page.Newer, 3)
			check(all[3:6], true, true)
			page, err = s.After(t.Context(), page.Newer, 3)
			check(all[0:3], true, true)
			if all, err = s.Recent(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
			page, err = s.After(t.Context(), page.Newer, 3) // but one row is newer: the newest page
			check(all[:3], true, false)
			page, err = s.Before(t.Context(), 0, 3)
			check(nil, false, false)
			page, err = s.After(t.Context(), food.Newest, 3)
			check(all[:3], true, false)
		})
	}
}

// Each reads in steps: none is left out or comes twice where one step ends.
func TestEachReturnsEveryRowOnce(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			s := testsite.New(t, kind.Open(t))
			const n = 2500
			var group sync.WaitGroup
			for range n {
				group.Go(func() {
					sub := testsite.Submission()
					for s.Add(sub) != nil { // a busy machine is slow, and the visitor submits again
					}
				})
			}
			group.Wait()
			tokens, last := make(map[string]bool), int64(0)
			err := s.Each(t.Context(), func(r food.Record) error {
				if r.ID <= last {
					t.Errorf("id %d after %d", r.ID, last)
				}
				last = r.ID
				tokens[r.Token] = true
				return nil
			})
			if err != nil || len(tokens) != n {
				t.Errorf("Each = %d rows, %v, want %d", len(tokens), err, n)
			}
			stop := errors.New("enough")
			if err := s.Each(t.Context(), func(food.Record) error { return stop }); err != stop {
				t.Errorf("Each = %v, want the function's own error", err)
			}
		})
	}
}

func TestRecentReturnsWhatWasAdded(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			s := testsite.New(t, kind.Open(t))
			var want []food.Submission
			for _, text := range []string{
				"寿司", "O'Brien", "X", strings.Repeat("🍕", 100), `"; DROP TABLE submissions; --`, `back\slash`,
				"<script>alert(1)</script>", "Å", "ﷺ", "pizza", "Pizza", "á̈",
			} {
				sub := testsite.Submission()
				sub.FirstName, sub.LastName, sub.FavouriteFood = text, text, text
				if err := s.Add(sub); err != nil {
					t.Fatalf("Add(%q) = %v", text, err)
				}
				want = append([]food.Submission{sub}, want...)
			}
			got, err := s.Recent(t.Context(), len(want)+1)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(submissions(got), want) {
				t.Errorf("Recent:\n got %v\nwant %v", got, want)
			}
			if last, err := s.Recent(t.Context(), 2); err != nil || !slices.Equal(submissions(last), want[:2]) {
				t.Errorf("Recent(2) = %v, %v, want the last two", last, err)
			}
			var each []food.Record
			if err := s.Each(t.Context(), func(r food.Record) error { each = append(each, r); return nil }); err != nil {
				t.Fatal(err)
			}
			slices.Reverse(each)
			if !slices.Equal(each, got) {
				t.Errorf("Each, reversed:\n got %v\nwant %v", each, got)
			}
		})
	}
}

func TestStoreStoresATokenOnce(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			s := testsite.New(t, kind.Open(t))
			first := testsite.Submission()
			other := first
			other.FavouriteFood = "Soup"
			if err := s.Add(first); err != nil {
				t.Fatal(err)
			}
			again := first
			again.AddedAt = again.AddedAt.Add(time.Hour)
			if err := s.Add(again); err != nil {
				t.Errorf("same token, same answers: Add = %v, want nil", err)
			}
			var conflict *food.ConflictError
			if err := s.Add(other); !errors.As(err, &conflict) || conflict.Stored != first {
				t.Errorf("same token, other answers: Add = %v, want a conflict with the first", err)
			}
			if rows, err := s.Recent(t.Context(), 10); err != nil || len(rows) != 1 || rows[0].Submission != first {
				t.Errorf("Recent = %v, %v, want the first alone", rows, err)
			}
		})
	}
}

// Many at once, some twice, some with a token that is taken: one row each, few INSERTs, every answer true.
func TestAddCombinesConcurrentSubmissions(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			var batches, seen, stored atomic.Int64
			s := food.New(testsite.New(t, kind.Open(t)).DB, func(submissions, rows int) {
				batches.Add(1)
				seen.Add(int64(submissions))
				stored.Add(int64(rows))
			})
			const tokens, copies = 200, 5
			var group sync.WaitGroup
			var confirmed, conflicts atomic.Int64
			for range tokens {
				sub := testsite.Submission()
				for n := range copies {
					sub := sub
					if n == 0 {
						sub.LastName = "Byron"
					}
					group.Go(func() {
						var conflict *food.ConflictError
						switch err := s.Add(sub); {
						case err == nil:
							confirmed.Add(1)
						case errors.As(err, &conflict) && !conflict.Stored.SameAnswers(sub):
							conflicts.Add(1)
						default:
							t.Errorf("Add = %v", err)
						}
					})
				}
			}
			group.Wait()
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
			if len(rows) != tokens || stored.Load() != tokens {
				t.Errorf("%d rows, %d observed, want %d", len(rows), stored.Load(), tokens)
			}
			wantConfirmed := byron + (copies-1)*(tokens-byron)
			if confirmed.Load() != wantConfirmed || conflicts.Load() != tokens*copies-wantConfirmed {
				t.Errorf("%d confirmed, %d conflicts, want %d and %d", confirmed.Load(), conflicts.Load(), wantConfirmed, tokens*copies-wantConfirmed)
			}
			if seen.Load() != tokens*copies || batches.Load() > tokens*copies/4 {
				t.Errorf("%d submissions in %d batches, want %d in far fewer", seen.Load(), batches.Load(), tokens*copies)
			}
		})
	}
}

func TestAddAfterCloseStoresNothing(t *testing.T) {
	s := testsite.New(t, testsite.OpenSQLite(t, filepath.Join(t.TempDir(), "x.db")))
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(testsite.Submission()); !errors.Is(err, food.ErrNotStored) {
		t.Errorf("Add = %v, want ErrNotStored", err)
	}
}
