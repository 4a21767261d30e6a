package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func TestExact(t *testing.T) {
	for _, test := range []struct {
		name string
		show func(count int64) int64 // returns the number that a page shows
		lost int64                   // forms that are not stored
		want string
	}{
		{"exact", func(n int64) int64 { return n }, 0, "yes"},
		{"a number twice", func(n int64) int64 {
			if n == 7 {
				return 8
			}
			return n
		}, 0, "no: 2 of 6400 numbers not shown once"},
		{"a lost form", func(n int64) int64 { return n }, 1, "no: 6399 of 6400 forms counted"},
		{"a failed request", func(n int64) int64 {
			if n == 7 {
				panic(http.ErrAbortHandler)
			}
			return n
		}, 0, "no: 1 of 6400 visits failed, 1 of 6400 numbers not shown once"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var visits, forms atomic.Int64
			mux := http.NewServeMux()
			mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, "<p>Visits: %d</p>", test.show(visits.Add(1)))
			})
			mux.HandleFunc("POST /simpleform", func(w http.ResponseWriter, r *http.Request) {
				forms.Add(1)
				http.Redirect(w, r, "/", http.StatusSeeOther)
			})
			server := httptest.NewServer(mux)
			defer server.Close()
			s := &site{target: target{addr: server.Listener.Addr().String()},
				visits: func() (int64, error) { return visits.Load(), nil },
				rows: func() (int64, error) {
					return max(0, forms.Load()-test.lost), nil
				}}
			got, err := s.exact()
			if err != nil || got != test.want {
				t.Errorf("exact() = %q, %v, want %q", got, err, test.want)
			}
		})
	}
}
