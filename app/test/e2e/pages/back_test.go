package pages

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestBackAfterSuccessFindsAnEmptyForm(t *testing.T) {
	site, browser := startApp(t, "DATA_DIR="+t.TempDir()), newBrowser(t)
	fillIn(t, browser, site)
	const token = `document.querySelector("[name=token]").value`
	used := eval[string](t, browser, token)
	do(t, browser, chromedp.Click(chromedp.CSS("#simpleform button[type=submit]")))
	waitFor(t, browser, `location.pathname === "/simpleform/success"`)

	eval[struct{}](t, browser, "history.back(), {}")
	waitFor(t, browser, fmt.Sprintf(`location.pathname === "/simpleform" && document.readyState === "complete" && %s !== %q &&
		[...document.querySelectorAll("input:not([type]), [type=text], select")].every((field) => field.value === "") &&
		!document.querySelector("[name=pledge]").checked`, token, used))
	// It can be filled in and sent like the first.
	fillIn(t, browser, site)
	do(t, browser, chromedp.Click(chromedp.CSS("#simpleform button[type=submit]")))
	waitFor(t, browser, `location.pathname === "/simpleform/success" && document.querySelectorAll("tbody tr").length === 2`)
}

// Who goes Back before sending finds their answers as they were left.
func TestBackKeepsAnswersThatWereNotSent(t *testing.T) {
	site, browser := startApp(t, "DATA_DIR="+t.TempDir()), newBrowser(t)
	fillIn(t, browser, site)
	do(t, browser, chromedp.Navigate(site+"/submissions"))
	eval[struct{}](t, browser, "history.back(), {}")
	waitFor(t, browser, `location.pathname === "/simpleform" && document.querySelector("[name=first_name]").value === "Ada"`)
}
