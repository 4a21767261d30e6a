package food_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

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

// A visitor pages back and forth while rows are added. The pages contain every row once.
func TestPages(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			s := testsite.New(t, kind.Open(t))
			add := func() {
				if err := s.Store(testsite.Submission()); err != nil {
					t.Fatal(err)
				}
			}
			page, err := s.Before(t.Context(), food.Newest, 3)
			if err != nil || page.Records != nil || page.Older != 0 || page.Newer != 0 ||
				!page.First {
				t.Errorf("page of an empty table = %v, %v, want an empty page", page, err)
			}
			for range 7 {
				add()
			}
			all, err := s.Recent(t.Context(), 100)
			if err != nil {
				t.Fatal(err)
			}
			page, err = s.Before(t.Context(), food.Newest, 3)
			check := func(want []food.Record, older, newer bool) {
				t.Helper()
				if err != nil || !slices.Equal(page.Records, want) ||
					(page.Older != 0) != older || (page.Newer != 0) != newer ||
					page.First != (want != nil && !newer) {
					t.Fatalf("page = %v, %v, want %v, older %v, newer %v",
						page, err, want, older, newer)
				}
			}
			check(all[:3], true, false)
			add() // does not change the pages that follow
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
			page, err = s.After(t.Context(), page.Newer, 3) // only one row is newer
			check(all[:3], true, false)
			page, err = s.Before(t.Context(), 0, 3)
			check(nil, false, false)
			page, err = s.After(t.Context(), food.Newest, 3)
			check(all[:3], true, false)
		})
	}
}

// Each reads in steps. At the end of a step it must not skip or repeat a row.
func TestEachReturnsEveryRowOnce(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			s := testsite.New(t, kind.Open(t))
			const n = 2500
			var group sync.WaitGroup
			for range n {
				group.Go(func() {
					if err := s.Store(testsite.Submission()); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			tokens, last := make(map[string]bool), int64(0)
			err := s.Each(t.Context(), func(r food.Record) error {
				if r.ID <= last {
					t.Errorf("Each returns id %d after %d, want ids in ascending order", r.ID, last)
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
				"寿司", "O'Brien", "X", strings.Repeat("🍕", 100),
				`"; DROP TABLE submissions; --`, `back\slash`,
				"<script>alert(1)</script>", "Å", "ﷺ", "pizza", "Pizza", "á̈",
			} {
				sub := testsite.Submission()
				sub.FirstName, sub.LastName, sub.FavouriteFood = text, text, text
				if err := s.Store(sub); err != nil {
					t.Fatalf("Store(%q) = %v", text, err)
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
			last, err := s.Recent(t.Context(), 2)
			if err != nil || !slices.Equal(submissions(last), want[:2]) {
				t.Errorf("Recent(2) = %v, %v, want the last two", last, err)
			}
			var each []food.Record
			err = s.Each(t.Context(), func(r food.Record) error {
				each = append(each, r)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Reverse(each)
			if !slices.Equal(each, got) {
				t.Errorf("Each, reversed:\n got %v\nwant %v", each, got)
			}
		})
	}
}
