package web_test

import (
	"net/http"
	"testing"

	"simpleapp/internal/certificate"
	"simpleapp/internal/testsite"
	"simpleapp/internal/web"
)

// While the database can't be read, a challenge gets status 503, as pages do.
func TestChallengeWithoutTheDatabase(t *testing.T) {
	db := testsite.EmptySQLite(t)
	cfg := newConfig(t, db, testsite.Quiet)
	cfg.Certificate = certificate.New(
		certificate.Config{Domains: []string{"food.example.com"}}, db, testsite.Quiet)
	cfg.HTTPSPort = 443
	server, err := web.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	challenge := serveSite(t, server) + "/.well-known/acme-challenge/abc"
	testsite.WantStatus(t, testsite.Get(t, challenge), http.StatusNotFound)
	if _, err := db.Exec("DROP TABLE acme"); err != nil {
		t.Fatal(err)
	}
	testsite.WantStatus(t, testsite.Get(t, challenge), http.StatusServiceUnavailable)
}
