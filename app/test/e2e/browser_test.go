package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"simpleapp/test/e2e/chrome"
)

// newBrowser opens a browser that ends with the test, or after two minutes.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(chrome.Start(t, chromedp.Flag("host-resolver-rules", hostRules)), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// css selects by CSS.
type css = chromedp.CSS

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// value runs an action for what it returns.
func value[T any](t *testing.T, ctx context.Context, action chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func text(t *testing.T, ctx context.Context, selector css) string {
	t.Helper()
	return value(t, ctx, chromedp.Text(selector))
}

// submit submits the form and waits for the page that follows, which must have the status want.
func submit(t *testing.T, ctx context.Context, want int64) {
	t.Helper()
	response, err := chromedp.RunResponse(ctx, chromedp.Click(css("#simpleform button[type=submit]")))
	if err != nil {
		t.Fatal(err)
	}
	if response.Status != want {
		t.Fatalf("the form led to a page with status %d, want %d", response.Status, want)
	}
}

// scripts switches the page's own scripts on or off.
func scripts(on bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}

// A visitor fills in the form, sees what is wrong, mends it, submits, and finds the record.
func TestAVisitorTellsTheirFavouriteFood(t *testing.T) {
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
			do(t, ctx, scripts(test.scripts), chromedp.Navigate(site+"/"))
			if got := text(t, ctx, "h1"); got != "Hello! This is SimpleApp" {
				t.Errorf("h1 = %q", got)
			}
			if got := text(t, ctx, "header .badge"); !strings.HasPrefix(got, "Visits: ") {
				t.Errorf("badge = %q", got)
			}

			do(t, ctx, chromedp.Click(css(`header a[href="/simpleform"]`)),
				chromedp.SendKeys(css("[name=last_name]"), "Tan"))
			submit(t, ctx, 422)
			summary := text(t, ctx, "#error-summary")
			for _, want := range []string{"Enter your first name", "Enter your favourite food", "Select your country", "Tick the box"} {
				if !strings.Contains(summary, want) {
					t.Errorf("summary = %q, want %q in it", summary, want)
				}
			}
			if got := text(t, ctx, "#first_name-error"); !strings.HasSuffix(got, "Enter your first name") {
				t.Errorf("beside the field: %q", got)
			}
			if kept := value(t, ctx, chromedp.Value(css("[name=last_name]"))); kept != "Tan" {
				t.Errorf("last name = %q, want it kept", kept)
			}
			if test.scripts {
				if focused := value(t, ctx, chromedp.Evaluate[string]("document.activeElement.id")); focused != "error-summary" {
					t.Errorf("focus is on %q, want the summary", focused)
				}
			}

			do(t, ctx, chromedp.SendKeys(css("[name=first_name]"), "Mei"),
				chromedp.SendKeys(css("[name=favourite_food]"), test.favourite),
				chromedp.SetValue(css("[name=country]"), "SG"),
				chromedp.Click(css("[name=pledge]")))
			submit(t, ctx, 200)
			do(t, ctx, chromedp.WaitVisible(css("svg.check")))
			if at := value(t, ctx, chromedp.Location()); !strings.HasPrefix(at, site+"/simpleform/success") {
				t.Errorf("location = %s, want the success page", at)
			}
			if got := text(t, ctx, "tbody tr:first-child"); !strings.Contains(got, test.favourite) {
				t.Errorf("last record = %q, want %q in it", got, test.favourite)
			}

			do(t, ctx, chromedp.Click(css(`header a[href="/submissions"]`)), chromedp.WaitNotPresent(css("svg.check")))
			row := text(t, ctx, "tbody tr:first-child")
			for _, want := range []string{"Mei", "Tan", test.favourite, "Singapore"} {
				if !strings.Contains(row, want) {
					t.Errorf("row = %q, want %q in it", row, want)
				}
			}
		})
	}
}
