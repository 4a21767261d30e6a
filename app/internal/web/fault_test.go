package web_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"simpleapp/internal/database"
	"simpleapp/internal/testsite"
)

// A form is stored, but the visitor does not receive the answer and sends the form again. The
// database refuses the second copy. The page says only that this copy was not stored ("this time"),
// because an earlier one is.
func TestFaultSpeaksOfThisCopyOfTheForm(t *testing.T) {
	db := testsite.EmptySQLite(t)
	site := serveSite(t, newSiteOn(t, db, testsite.Quiet))
	form := testsite.Form()
	testsite.WantStored(t, site, form)
	rename := func(from, to string) {
		if _, err := db.Exec("ALTER TABLE " + from + " RENAME TO " + to); err != nil {
			t.Fatal(err)
		}
	}
	rename("submissions", "away")

	a := testsite.Post(t, site, form)
	testsite.WantStatus(t, a, http.StatusServiceUnavailable)
	testsite.WantBody(t, a, "were not stored this time</h2>", "never stored twice")
	rename("away", "submissions")
	testsite.WantBody(t, testsite.Get(t, site+"/submissions"), "One record", "Lovelace")
}

// The page says what happened to the answers. It names no cause, because each kind of failure can
// have many.
func TestFaultFitsItsCause(t *testing.T) {
	const again = "submit them again in a moment. However often you send this form, its answers " +
		"are never stored twice."
	for _, test := range []struct {
		name  string
		spoil func(*database.DB) error
		want  []string
	}{
		{"a database that can't hold a value", func(db *database.DB) error {
			_, err := db.Exec("CREATE TRIGGER short BEFORE INSERT ON submissions " +
				"WHEN LENGTH(NEW.favourite_food) > 3 BEGIN SELECT RAISE(ABORT, 'too long'); END")
			return err
		}, []string{"were not stored this time</h2>", "One of them can’t be stored as it is.",
			"change them, for example to fewer or simpler characters, and submit them again.</p>"}},
		{"a database without the table", func(db *database.DB) error {
			_, err := db.Exec("ALTER TABLE submissions RENAME TO away")
			return err
		}, []string{"were not stored this time</h2>", "This site can’t store answers right now.",
			again}},
		{"a database that does not say whether it has stored",
			func(db *database.DB) error { // the INSERT never ends, until it times out
				_, err := db.Exec("CREATE TRIGGER endless BEFORE INSERT ON submissions BEGIN " +
					"SELECT COUNT(*) FROM (WITH RECURSIVE n(i) AS " +
					"(SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n); END")
				return err
			},
			[]string{"tell yet whether your answers were stored</h2>",
				"The database has not confirmed it.", again}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := testsite.EmptySQLite(t)
			site := serveSite(t, newSiteOn(t, db, testsite.Quiet))
			if err := test.spoil(db); err != nil {
				t.Fatal(err)
			}
			a := testsite.Post(t, site, testsite.Form())
			testsite.WantStatus(t, a, http.StatusServiceUnavailable)
			testsite.WantBody(t, a, append(test.want, `value="Pizza"`)...)
		})
	}
}

// In an outage every request fails. The log has the cause as one error, so that older lines are not
// pushed out.
func TestOutageIsLoggedAsOneError(t *testing.T) {
	var log bytes.Buffer
	db := testsite.EmptySQLite(t)
	server := httptest.NewServer(newSiteOn(t, db,
		slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	defer server.Close()
	if _, err := db.Exec("ALTER TABLE submissions RENAME TO away"); err != nil {
		t.Fatal(err)
	}
	testsite.WantStatus(t, testsite.Post(t, server.URL, testsite.Form()), 503)
	testsite.WantStatus(t, testsite.Get(t, server.URL+"/submissions"), 503)
	testsite.WantStatus(t, testsite.Get(t, server.URL+"/simpleform/success"), 200)
	server.Close() // then nothing is logged any more
	for level, want := range map[string]int{"ERROR": 1, "DEBUG": 2} {
		line := "level=" + level + ` msg="request failed"`
		if got := strings.Count(log.String(), line); got != want {
			t.Errorf("%d lines with %s, want %d:\n%s", got, line, want, &log)
		}
	}
	if !strings.Contains(log.String(), "no such table") {
		t.Errorf("the log does not name the cause:\n%s", &log)
	}
}

// Behind a proxy that rewrites Host, the operator sees at the default log level why forms are
// refused. A form of another site needs no remedy if Sec-Fetch-Site says that it is from there.
func TestRefusedOriginIsLoggedWithARemedy(t *testing.T) {
	for _, test := range []struct {
		name, fetchSite string
		want            bool
	}{
		{"a proxy that rewrites Host", "", true},
		{"another site", "cross-site", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			db := testsite.EmptySQLite(t)
			logger := slog.New(slog.NewTextHandler(&log, nil))
			server := httptest.NewServer(newSiteOn(t, db, logger))
			defer server.Close()
			r := testsite.Request(t, http.MethodPost, server.URL+"/simpleform", nil)
			r.Host = "app:8080"
			r.Header.Set("Origin", "http://site.example")
			if test.fetchSite != "" {
				r.Header.Set("Sec-Fetch-Site", test.fetchSite)
			}
			testsite.WantStatus(t, testsite.Send(t, r), http.StatusForbidden)
			server.Close() // then nothing is logged any more
			logged := strings.Contains(log.String(), "let the proxy send the Host of the browser")
			if logged != test.want {
				t.Errorf("the remedy is logged = %t, want %t:\n%s", logged, test.want, &log)
			}
		})
	}
}
