package pages

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"simpleapp/internal/testsite"
	"simpleapp/test/e2e/chrome"
)

// answersScript returns the value of every field of the form. One of them is the hidden token: with
// the same token, answers that have been stored are not stored again.
const answersScript = `Object.fromEntries(
	[...document.getElementById("simpleform").elements].filter((field) => field.name)
	.map((field) => [field.name, field.type === "checkbox" ? String(field.checked) : field.value]))`

// A visitor who goes back from an error page finds every answer in the form.
func TestBackFromAnErrorKeepsAnswers(t *testing.T) {
	app := startApp(t, "DATA_DIR="+t.TempDir())
	var damage atomic.Value // a func(*http.Request) that changes a form on its way to the site
	damage.Store(func(*http.Request) {})
	proxy := proxyTo(t, app)
	front := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			damage.Load().(func(*http.Request))(r)
		}
		proxy.ServeHTTP(w, r)
	})
	plain, secure := httptest.NewServer(front), httptest.NewTLSServer(front)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)

	// A browser need not keep the pages that it has left, so this one keeps none.
	browser := chrome.Start(t, chromedp.Flag("disable-features", "BackForwardCache"))
	for _, site := range []string{
		named("http", plain.Listener.Addr().String()),
		named("https", secure.Listener.Addr().String()),
	} {
		for _, scripts := range []bool{true, false} {
			do(t, browser, chrome.Scripts(scripts))
			for _, test := range []struct {
				name      string
				favourite string
				invalid   bool // the form is first sent empty
				damage    func(*http.Request)
				status    int64
			}{
				{"a damaged form", "Syllabub", false,
					func(r *http.Request) { setBody(r, "first_name=%zz") }, 400},
				{"a form that seems to come from another site", "Syllabub", false,
					func(r *http.Request) {
						r.Header.Set("Origin", "null")
						r.Header.Del("Sec-Fetch-Site")
					}, 403},
				{"another method", "Syllabub", false,
					func(r *http.Request) { r.Method = http.MethodPut }, 405},
				{"a form that is too large", strings.Repeat("long", 5000), false,
					func(*http.Request) {}, 413},
				{"another media type", "Syllabub", false,
					func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
				{"a damaged form that was corrected before", "Syllabub", true,
					func(r *http.Request) { setBody(r, "first_name=%zz") }, 400},
			} {
				scheme, _, _ := strings.Cut(site, ":")
				name := fmt.Sprintf("%s/scripts %t/%s", scheme, scripts, test.name)
				t.Run(name, func(t *testing.T) {
					damage.Store(func(*http.Request) {})
					do(t, browser, chromedp.Navigate(site+"/simpleform"))
					if test.invalid {
						chrome.Submit(t, browser, 422)
					}
					form := testsite.Form()
					form.Set("favourite_food", test.favourite)
					do(t, browser, chrome.FillIn(form))
					before := eval[map[string]string](t, browser, answersScript)
					damage.Store(test.damage)
					chrome.Submit(t, browser, test.status)
					do(t, browser, chromedp.NavigateBack())
					after := eval[map[string]string](t, browser, answersScript)
					if !maps.Equal(after, before) {
						t.Errorf("after Back the form has %.300v, want %.300v", after, before)
					}
				})
			}
		}
	}
}

// setBody replaces the body of a request.
func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// tokenOfForm is the script for the token of the form on the page.
const tokenOfForm = `document.querySelector("[name=token]").value`

// isEmptyForm is the script that tells whether the page is an empty form with another token.
func isEmptyForm(used string) string {
	return fmt.Sprintf(`
		location.pathname === "/simpleform" && document.readyState === "complete" && %s !== %q &&
		[...document.querySelectorAll("input:not([type]), [type=text], select")]
			.every((field) => field.value === "") &&
		!document.querySelector("[name=pledge]").checked`, tokenOfForm, used)
}

// submitForm stores a form, and returns its token.
func submitForm(t *testing.T, browser context.Context, site string) (token string) {
	t.Helper()
	fillIn(t, browser, site)
	token = eval[string](t, browser, tokenOfForm)
	chrome.Submit(t, browser, 200)
	waitFor(t, browser, `location.pathname === "/simpleform/success"`)
	return token
}

func TestBackAfterSuccessFindsAnEmptyForm(t *testing.T) {
	site, browser := startApp(t, "DATA_DIR="+t.TempDir()), chrome.Start(t)
	used := submitForm(t, browser, site)

	goBack(t, browser)
	waitFor(t, browser, isEmptyForm(used))
	// The empty form can be filled in and submitted, too.
	fillIn(t, browser, site)
	chrome.Submit(t, browser, 200)
	waitFor(t, browser, `location.pathname === "/simpleform/success" &&
		document.querySelectorAll("tbody tr").length === 2`)
}

// A visitor opens a second form after a success and goes back twice: to the success page, and then
// to the first form.
func TestBackTwiceFindsAnEmptyForm(t *testing.T) {
	site, browser := startApp(t, "DATA_DIR="+t.TempDir()), chrome.Start(t)
	used := submitForm(t, browser, site)
	do(t, browser, chromedp.Click(chromedp.CSS(`main a[href="/simpleform"]`)))
	waitFor(t, browser, isEmptyForm(used))
	goBack(t, browser)
	waitFor(t, browser,
		`location.pathname === "/simpleform/success" && document.readyState === "complete"`)
	goBack(t, browser)
	waitFor(t, browser, isEmptyForm(used))
}

// A visitor whose form was refused opens the success page of an earlier form, and goes back. The
// answers are still in the form.
func TestBackToARefusedForm(t *testing.T) {
	site, browser := startApp(t, "DATA_DIR="+t.TempDir()), chrome.Start(t)
	submitForm(t, browser, site)
	success := eval[string](t, browser, "location.href")
	form := testsite.Form()
	form.Set("favourite_food", "")
	do(t, browser, chromedp.Navigate(site+"/simpleform"), chrome.FillIn(form))
	chrome.Submit(t, browser, 422)
	token := eval[string](t, browser, tokenOfForm)
	do(t, browser, chromedp.Navigate(success))
	goBack(t, browser)
	waitFor(t, browser, `location.pathname === "/simpleform" && document.readyState === "complete"`)
	note := fmt.Sprintf("String(sessionStorage.getItem(%q))", token)
	if got := eval[string](t, browser, note); got != "null" {
		t.Errorf("the note on the form that was refused is %s, want none", got)
	}
	waitFor(t, browser, `document.querySelector("[name=first_name]").value === "Ada"`)
}

// A visitor who leaves the form before it is submitted, and goes back, finds every answer in it.
func TestBackKeepsAnswersThatWereNotSubmitted(t *testing.T) {
	site, browser := startApp(t, "DATA_DIR="+t.TempDir()), chrome.Start(t)
	fillIn(t, browser, site)
	do(t, browser, chromedp.Navigate(site+"/submissions"))
	goBack(t, browser)
	waitFor(t, browser, `location.pathname === "/simpleform" &&
		document.querySelector("[name=first_name]").value === "Ada"`)
}
