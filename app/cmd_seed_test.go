package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/database"
	"simpleapp/internal/food"
)

func TestSeed(t *testing.T) {
	for _, setup := range setups {
		t.Run(setup.name, func(t *testing.T) {
			environ := setup.environ(t)
			out := mustCall(t, environ, "", "seed", "--n", "700")
			if !strings.HasPrefix(out, "stored 700 ") {
				t.Errorf("seed --n 700 = %q, want 700 submissions stored", out)
			}
			_, err := call(t, environ, "", "seed")
			if err == nil || !strings.HasSuffix(err.Error(), "--merge (make: MERGE=yes)") {
				t.Errorf("seed of a site with submissions = %v, want it to name MERGE=yes", err)
			}
			mustCall(t, environ, "", "seed", "--n", "1", "--merge")
			var records []struct {
				AddedAt time.Time `json:"added_at"`
			}
			exported := mustCall(t, environ, "", "export", "--format", "json")
			err = json.Unmarshal([]byte(exported), &records)
			if err != nil || len(records) != 701 {
				t.Fatalf("%d submissions, %v, want 701", len(records), err)
			}
			// The pages show submissions in the reverse order of their ids, so a later id needs a
			// later time.
			last := time.Now().AddDate(0, 0, -31)
			for i, r := range records[:700] {
				if r.AddedAt.Before(last) || r.AddedAt.After(time.Now()) {
					t.Fatalf("submission %d is of %v, want between %v and now", i, r.AddedAt, last)
				}
				last = r.AddedAt
			}
			results := get(t, startReady(t, environ).url+"/results")
			wantBody(t, results, "The last 30 days", "The 10 that were submitted most often")
		})
	}
	for _, args := range [][]string{
		{"seed", "500"}, {"seed", "--n", "0"}, {"seed", "--n", "many"},
	} {
		if out, err := call(t, embedded(t), "", args...); err == nil {
			t.Errorf("%v = %q, nil, want an error", args, out)
		}
	}
}

// The error promises no more than is known: the samples of an unconfirmed transaction may be
// stored.
func TestSeedError(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		done food.Imported
		want string // the beginning
	}{
		{"submissions", food.ErrNotEmpty, food.Imported{}, "there are submissions already: add to"},
		{"an error", errors.New("oops"), food.Imported{Stored: 7}, "7 samples are stored: oops"},
		{"a lost answer", database.ErrUnknown, food.Imported{Stored: 7},
			"7 samples are stored; the database did not confirm the next ones"},
	} {
		got := seedError(test.err, test.done)
		if !strings.HasPrefix(got.Error(), test.want) || !errors.Is(got, test.err) {
			t.Errorf("%s: seedError = %q, want %q", test.name, got, test.want)
		}
	}
}
