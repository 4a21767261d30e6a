package web_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/testsite"
	"simpleapp/internal/visits"
	"simpleapp/internal/web"
)

// newSite returns the site with empty SQLite files as its stores. They are closed when the test
// ends.
func newSite(t testing.TB) *web.Server {
	t.Helper()
	log, metrics, dir := slog.New(slog.DiscardHandler), web.NewMetrics(), t.TempDir()
	counter, err := visits.OpenSQLite(filepath.Join(dir, "visits.db"), log, metrics.ObserveVisits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { counter.Close(context.Background()) })
	data := testsite.New(t, testsite.OpenSQLite(t, filepath.Join(dir, "submissions.db")))
	site, err := web.New(web.Config{
		Visits: counter, Submissions: data.Submissions, Tally: data.Tally,
		Metrics: metrics, Log: log, Instance: "test", Version: "test", Location: time.UTC,
	})
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// serve serves the site until the test ends, and returns its address.
func serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(newSite(t))
	t.Cleanup(server.Close)
	return server.URL
}

// wantNothingStored checks that the site has no submissions.
func wantNothingStored(t *testing.T, site string) {
	t.Helper()
	if page := testsite.Get(t, site+"/submissions"); strings.Contains(page.Body, "<td>") {
		t.Errorf("GET /submissions shows a submission, want none:\n%s", page.Body)
	}
}
