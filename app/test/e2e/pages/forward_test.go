package pages

import (
	"testing"

	"github.com/chromedp/chromedp"

	"simpleapp/internal/testsite"
	"simpleapp/test/e2e/chrome"
)

// A visitor begins a second form after a success, goes back to the page of success, and forward
// again. The second form has kept its answers, also if it was refused meanwhile.
func TestForwardKeepsAnswersThatWereNotStored(t *testing.T) {
	site := startApp(t, "DATA_DIR="+t.TempDir())
	const (
		success = `location.pathname === "/simpleform/success" &&
			document.readyState === "complete"`
		kept = `location.pathname === "/simpleform" && document.readyState === "complete" &&
			document.querySelector("[name=first_name]").value === "Ada"`
	)
	// A browser need not keep the pages that it has left.
	loaded := []chromedp.ExecAllocatorOption{
		chromedp.Flag("disable-features", "BackForwardCache")}
	for _, test := range []struct {
		name    string
		options []chromedp.ExecAllocatorOption
		refused bool // the second form is sent without a country
	}{
		{"pages from the browser's cache", nil, false},
		{"pages loaded again", loaded, false},
		{"pages from the browser's cache, refused", nil, true},
		{"pages loaded again, refused", loaded, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			browser := chrome.Start(t, test.options...)
			used := submitForm(t, browser, site)
			do(t, browser, chromedp.Click(chromedp.CSS(`main a[href="/simpleform"]`)))
			waitFor(t, browser, isEmptyForm(used))
			form := testsite.Form()
			form.Del("country")
			do(t, browser, chrome.FillIn(form))
			if test.refused {
				chrome.Submit(t, browser, 422)
				goBack(t, browser)
				waitFor(t, browser, kept+` && !document.getElementById("error-summary")`)
			}
			goBack(t, browser)
			waitFor(t, browser, success)
			goForward(t, browser)
			waitFor(t, browser, kept)
			// If the script replaced the form, the new one would be here before this answer.
			eval[string](t, browser, `fetch("/simpleform").then((answer) => answer.text())`)
			if !eval[bool](t, browser, kept) {
				t.Error("the form has lost its answers")
			}
		})
	}
}
