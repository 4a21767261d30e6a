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
		testsite.WantStatus(t, testsite.Post(t, site, form), http.StatusSeeOther)
	}

	first := testsite.Get(t, site+"/submissions")
	testsite.WantBody(t, first, "25 records", "Visitor 59", "Visitor 35")
	second := testsite.Get(t, links(first)["next"])
	testsite.WantBody(t, second, "25 records", "Visitor 34", "Visitor 10")
	third := testsite.Get(t, links(second)["next"])
	testsite.WantBody(t, third, "10 records", "Visitor 09", "Visitor 00")
	if prev := links(first)["prev"]; prev != "" {
		t.Errorf("the first page has a previous page: %s", prev)
	}
	if next := links(third)["next"]; next != "" {
		t.Errorf("the last page has a next page: %s", next)
	}
	testsite.WantBody(t, testsite.Get(t, links(third)["prev"]), "Visitor 34", "Visitor 10")
	testsite.WantBody(t, testsite.Get(t, links(second)["prev"]), "Visitor 59", "Visitor 35")

	for _, test := range []struct{ query, want string }{
		{"before=1", "no older records"},
		{"before=999999999", "Visitor 59"},
		{"after=999999999", "Visitor 59"},
	} {
		testsite.WantBody(t, testsite.Get(t, site+"/submissions?"+test.query), test.want)
	}
	for _, query := range []string{"before=0", "before=-1", "before=x", "after=1.5",
		"before=1&after=1", "after=99999999999999999999", "before=" + strings.Repeat("9", 10_000)} {
		if a := testsite.Get(t, site+"/submissions?"+query); a.StatusCode != http.StatusNotFound {
			t.Errorf("GET /submissions?%.30s = %d, want 404", query, a.StatusCode)
		}
	}
}
