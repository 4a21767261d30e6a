package e2e

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"simpleapp/internal/testsite"
	"simpleapp/test/e2e/chrome"
)

// newBrowser opens a browser that ends with the test.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	return chrome.Start(t, chromedp.Flag("host-resolver-rules", hostRules))
}

// do is chrome.Do.
var do = chrome.Do

// A css is a selector.
type css = chromedp.CSS

func text(t *testing.T, ctx context.Context, selector css) string {
	t.Helper()
	return chrome.Value(t, ctx, chromedp.Text(selector))
}

// A visitor fills in the form, sees what is missing, corrects it, submits the form, and finds the
// record.
func TestVisitorSubmitsTheForm(t *testing.T) {
	for _, test := range []struct {
		name      string
		site      string
		scripts   bool
		favourite string
	}{
		{"http", httpSite, true, "Laksa 寿司 🍜"},
		{"http without scripts", httpSite, false, "O'Brien's <b>stew</b>"},
		{"http on another port", portSite, true, "Rojak"},
		{"https", httpsSite, true, "Kaya toast"},
		{"https without scripts", httpsSite, false, "Chilli crab"},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := test.site
			ctx := newBrowser(t)
			do(t, ctx, chrome.Scripts(test.scripts))
			testsite.Eventually(t, "the badge has a number of visits", func() error {
				do(t, ctx, chromedp.Navigate(site+"/"))
				if got := text(t, ctx, "header .badge"); !strings.HasPrefix(got, "Visits: ") {
					return fmt.Errorf("it is %q", got)
				}
				return nil
			})
			if got := text(t, ctx, "h1"); got != "Hello! This is SimpleApp" {
				t.Errorf("h1 = %q, want Hello! This is SimpleApp", got)
			}

			form := testsite.Form()
			form.Set("first_name", "Mei")
			form.Set("last_name", "Tan")
			form.Set("favourite_food", test.favourite)
			form.Set("country", "SG")
			chrome.Open(t, ctx, chromedp.Click(css(`header a[href="/simpleform"]`)))
			do(t, ctx, chrome.FillIn(url.Values{"last_name": form["last_name"]}))
			chrome.Submit(t, ctx, 422)
			summary := text(t, ctx, "#error-summary")
			for _, want := range []string{"Enter your first name", "Enter your favourite food",
				"Select your country", "Tick the box"} {
				if !strings.Contains(summary, want) {
					t.Errorf("summary = %q, want %q in it", summary, want)
				}
			}
			beside := text(t, ctx, "#first_name-error")
			if !strings.HasSuffix(beside, "Enter your first name") {
				t.Errorf("the error beside the field = %q, want Enter your first name", beside)
			}
			kept := chrome.Value(t, ctx, chromedp.Value(css("[name=last_name]")))
			if kept != "Tan" {
				t.Errorf("last name = %q, want it kept", kept)
			}
			if test.scripts {
				const focus = "document.activeElement.id"
				focused := chrome.Value(t, ctx, chromedp.Evaluate[string](focus))
				if focused != "error-summary" {
					t.Errorf("the focus is on %q, want error-summary", focused)
				}
			}

			form.Del("last_name") // is filled in already
			do(t, ctx, chrome.FillIn(form))
			chrome.Submit(t, ctx, 200)
			do(t, ctx, chromedp.WaitVisible(css("svg.check")))
			location := chrome.Value(t, ctx, chromedp.Location())
			if !strings.HasPrefix(location, site+"/simpleform/success") {
				t.Errorf("location = %s, want the success page", location)
			}
			if got := text(t, ctx, "tbody tr:first-child"); !strings.Contains(got, test.favourite) {
				t.Errorf("latest record = %q, want %q in it", got, test.favourite)
			}

			do(t, ctx, chromedp.Click(css(`header a[href="/submissions"]`)),
				chromedp.WaitNotPresent(css("svg.check")))
			row := text(t, ctx, "tbody tr:first-child")
			for _, want := range []string{"Mei", "Tan", test.favourite, "Singapore"} {
				if !strings.Contains(row, want) {
					t.Errorf("row = %q, want %q in it", row, want)
				}
			}
		})
	}
}
