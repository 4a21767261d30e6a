package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"simpleapp/internal/testsite"
)

func TestSubmissionsPages(t *testing.T) {
	site := serve(t)
	linkPattern := regexp.MustCompile(`href="(/submissions\?[a-z]+=\d+)" rel="(prev|next)"`)
	// links returns the addresses of the pages that a page links, by prev and next.
	links := func(a testsite.Answer) map[string]string {
		found := make(map[string]string)
		for _, match := range linkPattern.FindAllStringSubmatch(a.Body, -1) {
			found[match[2]] = site + match[1]
		}
		return found
	}
	for i := range 60 {
		form := testsite.Form()
		form.Set("first_name", fmt.Sprintf("Visitor %02d", i))
		testsite.WantStored(t, site, form)
	}

	first := testsite.Get(t, site+"/submissions")
	testsite.WantBody(t, first, "25 records shown, last stored first", "Visitor 59", "Visitor 35")
	if strings.Index(first.Body, "Visitor 59") > strings.Index(first.Body, "Visitor 35") {
		t.Error("GET /submissions shows Visitor 35 before Visitor 59, want the newest first")
	}
	second := testsite.Get(t, links(first)["next"])
	testsite.WantBody(t, second, "25 records shown, last stored first", "Visitor 34", "Visitor 10")
	third := testsite.Get(t, links(second)["next"])
	testsite.WantBody(t, third, "10 records shown", "Visitor 09", "Visitor 00")
	if prev := links(first)["prev"]; prev != "" {
		t.Errorf("the first page has a previous page: %s", prev)
	}
	if next := links(third)["next"]; next != "" {
		t.Errorf("the last page has a next page: %s", next)
	}
	testsite.WantBody(t, testsite.Get(t, links(third)["prev"]), "Visitor 34", "Visitor 10")
	testsite.WantBody(t, testsite.Get(t, links(second)["prev"]), "Visitor 59", "Visitor 35")

	const newest, continued = "<title>MySQL Data – ", "<title>MySQL Data, continued – "
	for _, test := range []struct{ query, wantTitle, want string }{
		{"before=1", continued, "no older records"},
		{"before=2", continued, "Visitor 00"},
		{"before=60", continued, "Visitor 58"},
		{"before=61", newest, "Visitor 59"},
		{"before=999999999", newest, "Visitor 59"},
		{"after=1", continued, "Visitor 01"},
		{"after=34", continued, "Visitor 58"},
		{"after=35", newest, "Visitor 59"},
		{"after=999999999", newest, "Visitor 59"},
	} {
		page := testsite.Get(t, site+"/submissions?"+test.query)
		testsite.WantBody(t, page, test.wantTitle, test.want)
		if prev := links(page)["prev"]; prev != "" && test.wantTitle == newest {
			t.Errorf("GET /submissions?%s links a previous page, and shows the newest records",
				test.query)
		}
	}
	for _, query := range []string{"before=0", "before=-1", "before=x", "after=1.5",
		"before=1&after=1", "after=99999999999999999999", "before=" + strings.Repeat("9", 10_000)} {
		if a := testsite.Get(t, site+"/submissions?"+query); a.StatusCode != http.StatusNotFound {
			t.Errorf("GET /submissions?%.30s = %d, want 404", query, a.StatusCode)
		}
	}
}

func TestSubmissionsPagesWithoutRecords(t *testing.T) {
	site := serve(t)
	for _, query := range []string{"", "?after=5", "?before=5"} {
		page := testsite.Get(t, site+"/submissions"+query)
		testsite.WantBody(t, page, "<title>MySQL Data – ",
			"There are no submissions at the moment.")
		if strings.Contains(page.Body, "older records") {
			t.Errorf("GET /submissions%s speaks of older records, and there are none", query)
		}
	}
}

// Anybody can open the page with a reference, and a submission can be removed later. So the page
// does not say that answers are stored under a reference.
func TestSuccessPageSaysOnlyWhatIsKnown(t *testing.T) {
	site := serve(t)
	page := testsite.Get(t, site+"/simpleform/success?reference=0123-4567-89ab")
	testsite.WantStatus(t, page, http.StatusOK)
	testsite.WantBody(t, page, "If the form brought you here, your answers have been stored.",
		"0123-4567-89ab</strong>. Keep it: the people who run this site need it",
		"There are no submissions at the moment.")
	for _, claim := range []string{"answers are stored", "is safe"} {
		if strings.Contains(page.Body, claim) {
			t.Errorf("GET /simpleform/success says %q, and nothing is stored", claim)
		}
	}
}
