package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
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
			// A page of the site shows them in the reverse order of their ids.
			last := time.Now().AddDate(0, 0, -31)
			for i, r := range records[:700] {
				if r.AddedAt.Before(last) || r.AddedAt.After(time.Now()) {
					t.Fatalf("submission %d is of %v, want between %v and now", i, r.AddedAt, last)
				}
				last = r.AddedAt
			}
			results := get(t, startReady(t, environ).url+"/results")
			wantBody(t, results, "The last 30 days", "The ten that were submitted most often")
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
