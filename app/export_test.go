package main

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestExport(t *testing.T) {
	for _, storage := range storages {
		t.Run(storage.name, func(t *testing.T) {
			environ := storage.environ(t)
			if storage.name != "embedded" {
				if err := mysqlServer.Empty(); err != nil {
					t.Fatal(err)
				}
			}
			export := func(format string) string {
				var out strings.Builder
				if err := run(t.Context(), []string{"export", "--format", format}, environ, &out, io.Discard); err != nil {
					t.Fatalf("export --format %s = %v", format, err)
				}
				return out.String()
			}
			if got := export("json"); got != "[]\n" {
				t.Errorf("empty: %q, want []", got)
			}
			p := startReady(t, environ)
			foods := []string{`=HYPERLINK("http://x")`, "+1", "-1", "@SUM(A1)", "＝1", "Mac, \"cheese\"", "寿司"}
			for _, favourite := range foods {
				form := validForm()
				form.Set("favourite_food", favourite)
				wantStatus(t, post(t, p, form), 303)
			}

			rows, err := csv.NewReader(strings.NewReader(export("csv"))).ReadAll()
			if err != nil || len(rows) != 1+len(foods) || strings.Join(rows[0], " ") != "id first_name last_name favourite_food country added_at" {
				t.Fatalf("csv: %v, %v", rows, err)
			}
			for i, favourite := range foods {
				want := favourite
				if i < 5 {
					want = "'" + favourite
				}
				if row := rows[1+i]; !slices.Equal(row[1:5], []string{"Ada", "Lovelace", want, "GB"}) {
					t.Errorf("row %d = %q, want the food %q", i, row, want)
				}
			}

			var records []struct {
				FavouriteFood string    `json:"favourite_food"`
				AddedAt       time.Time `json:"added_at"`
			}
			if err := json.Unmarshal([]byte(export("json")), &records); err != nil || len(records) != len(foods) {
				t.Fatalf("json: %v, %v", records, err)
			}
			for i, favourite := range foods {
				if records[i].FavouriteFood != favourite || time.Since(records[i].AddedAt) > time.Hour {
					t.Errorf("record %d = %v, want the food %q, just added", i, records[i], favourite)
				}
			}
		})
	}
	for _, args := range [][]string{{"export", "--format", "xml"}, {"export", "--all"}, {"export", "csv"}} {
		if err := run(t.Context(), args, embedded(t), io.Discard, io.Discard); err == nil {
			t.Errorf("%v = nil, want an error", args)
		}
	}
}
