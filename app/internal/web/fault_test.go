package web_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"simpleapp/internal/testsite"
)

// A form is stored, but the visitor does not receive the answer and sends the form again. The
// database refuses the second copy. The page must not say that the answers are not stored.
func TestFaultSpeaksOfThisCopyOfTheForm(t *testing.T) {
	db := testsite.OpenSQLite(t, filepath.Join(t.TempDir(), "submissions.db"))
	site := serveSite(t, newSiteOn(t, db, testsite.Quiet))
	form := testsite.Form()
	testsite.WantStatus(t, testsite.Post(t, site, form), http.StatusSeeOther)
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

// Pages that refuse a form speak of this copy of it, too.
func TestRefusalsSpeakOfThisCopyOfTheForm(t *testing.T) {
	site := serve(t)
	const formType = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		name, contentType, body string
		want                    int
	}{
		{"too large", formType, "first_name=" + strings.Repeat("x", 100_000), 413},
		{"damaged", formType, "first_name=%zz", 400},
		{"another type", "application/json", "{}", 415},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := testsite.PostBody(t, site, test.contentType, strings.NewReader(test.body))
			testsite.WantStatus(t, a, test.want)
			testsite.WantBody(t, a, "Nothing was stored this time.")
		})
	}
}
