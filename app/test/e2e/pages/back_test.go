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

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// typed is a script that returns the value of every field of the form, also of the hidden token. With
// the same token, answers that were stored all the same are not stored twice.
const typed = `Object.fromEntries([...document.getElementById("simpleform").elements].filter((field) => field.name)
	.map((field) => [field.name, field.type === "checkbox" ? String(field.checked) : field.value]))`

// A visitor who goes back from a page that says what went wrong finds everything as they left it.
func TestBackBringsEveryAnswerBack(t *testing.T) {
	app := startApp(t, "DATA_DIR="+t.TempDir())
	var damage atomic.Value // func(*http.Request): what happens to a form on its way
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

	// No browser keeps each page alive that it has left, so this one keeps none.
	browser := newBrowser(t, chromedp.Flag("disable-features", "BackForwardCache"))
	for _, site := range []string{named("http", plain.Listener.Addr().String()), named("https", secure.Listener.Addr().String())} {
		for _, scripts := range []bool{true, false} {
			do(t, browser, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
				return err
			}))
			submit := func(t *testing.T, want int64) {
				t.Helper()
				response, err := chromedp.RunResponse(browser, chromedp.Click(chromedp.CSS("#simpleform button[type=submit]")))
				if err != nil {
					t.Fatal(err)
				}
				if response.Status != want {
					t.Fatalf("the form led to a page with status %d, want %d", response.Status, want)
				}
			}
			for _, test := range []struct {
				name      string
				favourite string
				invalid   bool // the form is first sent without the pledge
				damage    func(*http.Request)
				status    int64
			}{
				{"a damaged form", "Syllabub", false, func(r *http.Request) { setBody(r, "first_name=%zz") }, 400},
				{"a form that seems to come from another site", "Syllabub", false, func(r *http.Request) {
					r.Header.Set("Origin", "null")
					r.Header.Del("Sec-Fetch-Site")
				}, 403},
				{"another method", "Syllabub", false, func(r *http.Request) { r.Method = http.MethodPut }, 405},
				{"a form that is too large", strings.Repeat("long", 5000), false, func(*http.Request) {}, 413},
				{"another media type", "Syllabub", false, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
				{"a damaged form that was mended before", "Syllabub", true, func(r *http.Request) { setBody(r, "first_name=%zz") }, 400},
			} {
				t.Run(fmt.Sprintf("%s/scripts %t/%s", site[:strings.Index(site, ":")], scripts, test.name), func(t *testing.T) {
					damage.Store(func(*http.Request) {})
					do(t, browser, chromedp.Navigate(site+"/simpleform"))
					if test.invalid {
						submit(t, 422)
					}
					do(t, browser, chromedp.SendKeys(chromedp.CSS("[name=first_name]"), "Ada"),
						chromedp.SendKeys(chromedp.CSS("[name=last_name]"), "Lovelace"),
						chromedp.Focus(chromedp.CSS("[name=favourite_food]")), insert(test.favourite),
						chromedp.SetValue(chromedp.CSS("[name=country]"), "GB"),
						chromedp.Click(chromedp.CSS("[name=pledge]")))
					before := eval[map[string]string](t, browser, typed)
					damage.Store(test.damage)
					submit(t, test.status)
					do(t, browser, chromedp.NavigateBack())
					if after := eval[map[string]string](t, browser, typed); !maps.Equal(after, before) {
						t.Errorf("after Back the form has %.300v, want %.300v", after, before)
					}
				})
			}
		}
	}
}

// insert types a text of any length at once.
func insert(text string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
}

func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

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

// Visitors who go Back before they send the form find their answers as they left them.
func TestBackKeepsAnswersThatWereNotSent(t *testing.T) {
	site, browser := startApp(t, "DATA_DIR="+t.TempDir()), newBrowser(t)
	fillIn(t, browser, site)
	do(t, browser, chromedp.Navigate(site+"/submissions"))
	eval[struct{}](t, browser, "history.back(), {}")
	waitFor(t, browser, `location.pathname === "/simpleform" && document.querySelector("[name=first_name]").value === "Ada"`)
}
