package web_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/database"
	"simpleapp/internal/testsite"
	"simpleapp/internal/visits"
	"simpleapp/internal/web"
)

// newSite returns the site with empty SQLite files as its stores. They are closed when the test
// ends.
func newSite(t testing.TB) *web.Server {
	t.Helper()
	return newSiteOn(t, testsite.EmptySQLite(t), testsite.Quiet)
}

// newSiteOn returns the site with a database of submissions and a log. The database is closed when
// the test ends.
func newSiteOn(t testing.TB, db *database.DB, log *slog.Logger) *web.Server {
	t.Helper()
	site, err := web.New(newConfig(t, db, log))
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// newConfig returns the configuration of newSiteOn's site.
func newConfig(t testing.TB, db *database.DB, log *slog.Logger) web.Config {
	t.Helper()
	metrics := web.NewMetrics()
	file := filepath.Join(t.TempDir(), "visits.db")
	counter, err := visits.OpenSQLite(file, testsite.Quiet, metrics.ObserveVisits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { counter.Close(context.Background()) })
	data := testsite.New(t, db)
	return web.Config{
		Visits: counter, Submissions: data.Submissions, Tally: data.Tally,
		Metrics: metrics, Log: log, Instance: "test", Version: "test", Location: time.UTC,
	}
}

// serve serves the site until the test ends, and returns its address.
func serve(t *testing.T) string {
	t.Helper()
	return serveSite(t, newSite(t))
}

func serveSite(t *testing.T, site *web.Server) string {
	t.Helper()
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	return server.URL
}

// wantNothingStored checks that the site has no submissions.
func wantNothingStored(t *testing.T, site string) {
	t.Helper()
	if page := testsite.Get(t, site+"/submissions"); strings.Contains(page.Body, "<td") {
		t.Errorf("GET /submissions shows a submission, want none:\n%s", page.Body)
	}
}
