package main

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

// A submission is in the results at once, and all spellings of a food are counted as one food.
func TestResults(t *testing.T) {
	const stew = `<b>"Stew"</b> & 'more'`
	for _, setup := range setups {
		t.Run(setup.name, func(t *testing.T) {
			environ := setup.environ(t)
			p := startReady(t, with(environ, "TZ", "Asia/Kathmandu"))
			empty := get(t, p.url+"/results")
			wantBody(t, empty, "There are no submissions at the moment", `href="/simpleform"`)
			for i, test := range []struct{ favourite, wantShown string }{
				{"Pizza", "Pizza"},
				{" pizza ", ""}, // "Pizza" or "pizza": each was submitted once
				{"PIZZA", ""},
				{"pizza", "pizza"},
				{stew, stew},
				{"cre\u0300me", "cr\u00e8me"},
				{"cr\u00e8me", "cr\u00e8me"},
			} {
				form := validForm()
				form.Set("favourite_food", test.favourite)
				form.Set("country", []string{"GB", "SG"}[i%2])
				wantStored(t, p.url, form)
				if test.wantShown != "" {
					shown := "<bdi>" + html.EscapeString(test.wantShown) + "</bdi>"
					var page testsite.Answer
					testsite.Folded(t, func() { page = get(t, p.url+"/results") })
					wantBody(t, page, shown)
				}
			}

			query := "?top=0&days=" + strings.Repeat("9", 6_000) + "&zone=%ff%00"
			var a testsite.Answer
			testsite.Folded(t, func() { a = get(t, p.url+"/results"+query) })
			wantStatus(t, a, 200)
			wantBody(t, a, "<polyline", `role="img"`, "The last 30 days",
				"Submissions per day (UTC&#43;05:45)")
			got := resultRows(a.Body)
			want := []string{"pizza 4", "cr\u00e8me 2", stew + " 1", "United Kingdom 4",
				"Singapore 3"}
			if len(got) != 35 || !slices.Equal(got[:5], want) {
				t.Fatalf("%d rows of figures, the first are %q, want %q and 30 days",
					len(got), got[:min(5, len(got))], want)
			}
			now := time.Now().In(time.FixedZone("", 5*3600+45*60)) // in Kathmandu
			today := now.Format("January 2") + " 7"
			if now.Hour() > 0 && got[34] != today { // in the first hour, midnight may have passed
				t.Errorf("the last day is %q, want %q", got[34], today)
			}
		})
	}
}

var resultRow = regexp.MustCompile(
	`<th scope="row">(?:<bdi>)?([^<]*)(?:</bdi>)?</th>\s*<td>\s*(?:<span>)?([0-9,]+)`)

// resultRows returns the name and the number in each row of the page of results.
func resultRows(page string) (rows []string) {
	for _, match := range resultRow.FindAllStringSubmatch(page, -1) {
		rows = append(rows, html.UnescapeString(match[1])+" "+match[2])
	}
	return rows
}
