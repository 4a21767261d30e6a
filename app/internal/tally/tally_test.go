package tally_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/database"
	"simpleapp/internal/food"
	"simpleapp/internal/tally"
	"simpleapp/internal/testsite"
)

func TestLongest(t *testing.T) {
	if tally.Longest != food.MaxLength {
		t.Errorf("Longest = %d, want food.MaxLength, %d", tally.Longest, food.MaxLength)
	}
}

func TestResultsCountSpellingsTogether(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			s := testsite.New(t, kind.Open(t))
			r := s.Results(t, time.UTC)
			if len(r.Foods)+len(r.Countries) != 0 || len(r.Days) != 30 {
				t.Errorf("the results without submissions are %v, want 30 empty days", r)
			}
			for i, favourite := range []string{
				"Pizza", " pizza ", "PIZZA", "pizza", "cre\u0300me", "cr\u00e8me", "CR\u00c8ME",
				"🍕", "寿司", `O'Brien's \ "stew"; --`,
			} {
				s.AddFood(t, favourite, []string{"GB", "SG", "DE"}[i%3], time.Now().UTC())
			}
			r = s.Results(t, time.UTC)
			// "pizza" and "crème" are the most frequent spellings of their foods. Foods with equal
			// numbers are in the order of their keys.
			want := []tally.Count{
				{"pizza", 4}, {"cr\u00e8me", 3},
				{`O'Brien's \ "stew"; --`, 1}, {"寿司", 1}, {"🍕", 1},
			}
			if !slices.Equal(r.Foods, want) {
				t.Errorf("foods = %v, want %v", r.Foods, want)
			}
			want = []tally.Count{{"GB", 4}, {"DE", 3}, {"SG", 3}}
			if !slices.Equal(r.Countries, want) {
				t.Errorf("countries = %v, want %v", r.Countries, want)
			}
			if today := r.Days[29].N + r.Days[28].N; today != 10 { // midnight may have passed
				t.Errorf("%d submissions today, want 10", today)
			}
			// "PIZZA" and "pizza" have equal numbers now. The first in the order of bytes is shown.
			s.AddFood(t, "PIZZA", "GB", time.Now().UTC())
			if r := s.Results(t, time.UTC); r.Foods[0] != (tally.Count{Name: "PIZZA", N: 5}) {
				t.Errorf("the first food is %v, want PIZZA, 5 times", r.Foods[0])
			}
			for i := range 20 {
				s.AddFood(t, fmt.Sprintf("Dish %02d", i), food.Countries()[i].Code,
					time.Now().UTC())
			}
			r = s.Results(t, time.UTC)
			if len(r.Foods) != 10 || len(r.Countries) != 10 || r.Foods[9].Name != "Dish 07" {
				t.Errorf("the results of many foods and countries are %v, want ten of each", r)
			}
		})
	}
}

// Days begin at midnight in the zone, even if that is not a full hour in UTC.
func TestResultsByDay(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			for _, name := range []string{"UTC", "Asia/Singapore", "Asia/Kolkata",
				"Asia/Kathmandu", "America/St_Johns", "America/New_York"} {
				t.Run(name, func(t *testing.T) {
					zone, err := time.LoadLocation(name)
					if err != nil {
						t.Fatal(err)
					}
					s := testsite.New(t, kind.Open(t))
					midnight := func(daysAgo int) time.Time {
						now := time.Now().In(zone)
						day := now.Day() - daysAgo
						return time.Date(now.Year(), now.Month(), day, 0, 0, 0, 0, zone).UTC()
					}
					first, second, today := midnight(29), midnight(28), midnight(0)
					for _, at := range []time.Time{
						first.Add(-time.Millisecond), // too early
						first, second.Add(-time.Millisecond),
						second, second.Add(time.Minute), second.Add(time.Hour),
						today.Add(-time.Millisecond), today, today, today, today,
					} {
						s.AddFood(t, "Pizza", "GB", at)
					}
					r := s.Results(t, zone)
					if !midnight(0).Equal(today) {
						return // midnight has just passed
					}
					want := make([]int64, 30)
					want[0], want[1], want[28], want[29] = 2, 3, 1, 4
					for i, day := range r.Days {
						if !day.Date.Equal(midnight(29-i)) || day.N != want[i] {
							t.Errorf("day %d is %v with %d, want %d",
								i, day.Date, day.N, want[i])
						}
					}
				})
			}
		})
	}
}

// Several instances, each with its own connections, create and use one SQLite file concurrently.
func TestSQLiteTalliesOfSeveralInstances(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db")
	var opened [3]*testsite.Site
	var group sync.WaitGroup
	for i := range opened { // the file does not exist yet
		group.Go(func() {
			db, err := database.OpenSQLite(file)
			if err != nil {
				t.Error(err)
				return
			}
			opened[i] = testsite.New(t, db)
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	for _, s := range opened {
		for range 5 {
			group.Go(func() {
				for range 20 {
					if err := s.Store(testsite.Submission()); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	group.Wait()
	// Another instance may be folding.
	testsite.Eventually(t, "the results have each submission", func() error {
		r := opened[0].Results(t, time.UTC)
		if len(r.Foods) != 1 || r.Foods[0].N != 300 {
			return fmt.Errorf("foods = %v, want 300 pizzas", r.Foods)
		}
		return nil
	})
}

// Some visitors close the connection while the log is folded for them. The other visitors must
// still see everything that was stored before their request.
func TestResultsBesideVisitorsWhoLeave(t *testing.T) {
	for _, kind := range testsite.Databases {
		t.Run(kind.Name, func(t *testing.T) {
			s := testsite.New(t, kind.Open(t))
			for n := range 100 {
				s.AddFood(t, "Pizza", "GB", time.Now().UTC())
				var group sync.WaitGroup
				for range 8 {
					group.Go(func() {
						ctx, leave := context.WithCancel(t.Context())
						time.AfterFunc(time.Duration(rand.IntN(1000))*time.Microsecond, leave)
						s.Tally.Results(ctx, time.UTC)
					})
					group.Go(func() {
						begin := time.Now()
						r, err := s.Tally.Results(t.Context(), time.UTC)
						if err != nil {
							t.Errorf("Results = %v", err)
						} else if time.Since(begin) > time.Second {
							t.Log("the fold may have taken too long, so the results may be older")
						} else if len(r.Foods) != 1 || r.Foods[0].N != int64(n+1) {
							t.Errorf("the foods in the results are %v, want %d", r.Foods, n+1)
						}
					})
				}
				group.Wait()
			}
		})
	}
}
