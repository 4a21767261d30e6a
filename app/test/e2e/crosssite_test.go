package e2e

import (
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"simpleapp/internal/food"
	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// A sentForm is a form that a browser has sent to the site.
type sentForm struct {
	origin string // that the browser named
	status int    // of the answer
}

// reportForms returns a proxy to the site that sends each form to the channel. The proxy also
// serves the page of an attacker.
func reportForms(addr string, forms chan<- sentForm) http.Handler {
	proxy := testserver.Proxy(addr)
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.Method == http.MethodPost {
			forms <- sentForm{r.Request.Header.Get("Origin"), r.StatusCode}
		}
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	mux.HandleFunc("GET /attack", func(w http.ResponseWriter, r *http.Request) {
		page := attack(r.FormValue("site"), r.FormValue("food"))
		switch r.FormValue("by") {
		case "frame":
			page = fmt.Sprintf(`<iframe sandbox="allow-forms allow-scripts" srcdoc="%s"></iframe>`,
				html.EscapeString(page))
		case "no referrer":
			page = `<meta name="referrer" content="no-referrer">` + page
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!DOCTYPE html><title>Attack</title>", page)
	})
	return mux
}

// attack returns a page that submits a valid form to the site.
func attack(site, favourite string) string {
	page := fmt.Sprintf(`<form method="post" action="%s/simpleform">`, html.EscapeString(site))
	form := testsite.Form()
	form.Set("favourite_food", favourite)
	for name := range form {
		page += fmt.Sprintf(`<input type="hidden" name="%s" value="%s">`,
			name, html.EscapeString(form.Get(name)))
	}
	return page + `</form><script>document.forms[0].submit()</script>`
}

// A page of another origin can't submit the form with a visitor's browser.
func TestOtherOriginsCannotSubmitTheForm(t *testing.T) {
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(portSite, "http://"))
	forms := make(chan sentForm, 100)
	site := reportForms("127.0.0.1:"+port, forms)
	plain, secure := httptest.NewServer(site), httptest.NewTLSServer(site)
	other := httptest.NewServer(site)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	t.Cleanup(other.Close)
	at := func(scheme, name string, server *httptest.Server) string {
		_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
		return scheme + "://" + net.JoinHostPort(name, port)
	}
	const evil = "evil.test"
	browser := newBrowser(t)

	for _, target := range []string{at("http", host, plain), at("https", host, secure)} {
		for _, test := range []struct {
			name, from, by string
			origin         string
			status         int
		}{
			// The same page is accepted from the site itself, so the form is valid.
			{"the site itself", target, "", target, 303},
			{"another site", at("http", evil, other), "", at("http", evil, other), 403},
			{"a subdomain",
				at("http", "evil."+host, other), "", at("http", "evil."+host, other), 403},
			{"another port", at("http", host, other), "", at("http", host, other), 403},
			{"another site without a referrer",
				at("http", evil, other), "no referrer", "null", 403},
			{"a sandboxed frame", at("http", evil, other), "frame", "null", 403},
			{"a sandboxed frame of the site itself", target, "frame", "null", 403},
			{"a data address", "data:text/html,", "", "null", 403},
		} {
			scheme, _, _ := strings.Cut(target, ":")
			t.Run(scheme+" from "+test.name, func(t *testing.T) {
				favourite := food.NewToken()
				query := url.Values{"site": {target}, "food": {favourite}, "by": {test.by}}
				page := test.from + "/attack?" + query.Encode()
				if strings.HasPrefix(test.from, "data:") {
					page = test.from + url.PathEscape(attack(target, favourite))
				}
				var form sentForm
				// The answer is 503 while the disk takes longer than 3 s.
				testsite.Within(t, time.Minute, "the site is not too slow", func() error {
					do(t, browser, chromedp.Navigate(page))
					select {
					case form = <-forms:
					case <-time.After(30 * time.Second):
						t.Fatal("the browser did not send the form in 30 s")
					}
					if form.status == http.StatusServiceUnavailable && test.status == 303 {
						return errors.New("POST /simpleform = 503")
					}
					return nil
				})
				if form.status != test.status || form.origin != test.origin {
					t.Errorf("POST /simpleform with Origin %s = %d, want %d with Origin %s",
						form.origin, form.status, test.status, test.origin)
				}
				records := testsite.Get(t, plain.URL+"/submissions")
				testsite.WantStatus(t, records, http.StatusOK)
				stored := strings.Contains(records.Body, favourite)
				if want := test.status == http.StatusSeeOther; stored != want {
					t.Errorf("stored = %t, want %t", stored, want)
				}
			})
		}
	}
}
