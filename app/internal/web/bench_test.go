package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/visits"
	"simpleapp/internal/web"
)

// What a page costs from handler to bytes, on the embedded storage. The home page and a stored
// submission include their write to disk.
func BenchmarkPages(b *testing.B) {
	log, metrics, dir := slog.New(slog.DiscardHandler), web.NewMetrics(), b.TempDir()
	counter, err := visits.OpenSQLite(filepath.Join(dir, "visits.db"), log, metrics.ObserveVisits)
	if err != nil {
		b.Fatal(err)
	}
	defer counter.Close(context.Background())
	store, err := food.OpenSQLite(filepath.Join(dir, "submissions.db"), log, metrics.ObserveSubmissions)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close(context.Background())
	site, err := web.New(web.Config{Visits: counter, Food: store, Metrics: metrics, Log: log, Instance: "bench", Version: "bench", Location: time.UTC})
	if err != nil {
		b.Fatal(err)
	}
	for _, page := range []struct {
		name, path string
		form       url.Values
		wantStatus int
	}{
		{"missing page", "/missing", nil, 404},
		{"home", "/", nil, 200},
		{"form", "/simpleform", nil, 200},
		{"submissions", "/submissions", nil, 200},
		{"results", "/results", nil, 200},
		{"invalid form", "/simpleform", url.Values{"first_name": {"Ada"}}, 422},
		{"valid form", "/simpleform", url.Values{"first_name": {"Ada"}, "last_name": {"Lovelace"}, "favourite_food": {"Pizza"}, "country": {"GB"}, "pledge": {"yes"}}, 303},
	} {
		b.Run(page.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				request := httptest.NewRequest("GET", page.path, nil)
				if page.form != nil {
					page.form.Set("token", food.NewToken())
					request = httptest.NewRequest("POST", page.path, strings.NewReader(page.form.Encode()))
					request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				}
				answer := httptest.NewRecorder()
				http.Handler(site).ServeHTTP(answer, request)
				if answer.Code != page.wantStatus {
					b.Fatalf("%s = %d, want %d", page.path, answer.Code, page.wantStatus)
				}
			}
		})
	}
}
