package web_test

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/testsite"
)

func TestInvalidAnswersAreKeptAndExplained(t *testing.T) {
	site := serve(t)
	long := strings.Repeat("x", 101)
	for _, test := range []struct {
		name     string
		change   func(url.Values)
		wantBody []string
	}{
		{"empty form",
			func(f url.Values) { clear(f) },
			[]string{"Enter your first name", "Enter your last name", "Enter your favourite food",
				"Error:</span> Select your country", "Tick the box to make the pledge"}},
		{"101 characters",
			func(f url.Values) { f.Set("first_name", long) },
			[]string{"First name must be 100 characters or less", long, `value="Lovelace"`,
				`value="Pizza"`, `value="GB" selected`, "checked"}},
		{"markup",
			func(f url.Values) { f.Set("first_name", `"><script>`); f.Del("pledge") },
			[]string{"Tick the box", "&#34;&gt;&lt;script&gt;"}},
		{"broken UTF-8",
			func(f url.Values) { f.Set("last_name", "\xff\xfe") },
			[]string{"can’t be read"}},
		{"control characters",
			func(f url.Values) { f.Set("last_name", "a\x00b") },
			[]string{"without control characters"}},
		{"unknown country",
			func(f url.Values) { f.Set("country", "XX") },
			[]string{"Select a country from the list"}},
		{"no pledge",
			func(f url.Values) { f.Set("pledge", "no") },
			[]string{"Tick the box"}},
		{"malformed token",
			func(f url.Values) { f.Set("token", `"><script>`) },
			[]string{"your answers and submit"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			form := testsite.Form()
			token := form.Get("token")
			test.change(form)
			a := testsite.Post(t, site, form)
			testsite.WantStatus(t, a, http.StatusUnprocessableEntity)
			testsite.WantBody(t, a, test.wantBody...)
			testsite.WantBody(t, a, "<title>Error: ", `role="alert"`, `id="error-summary"`)
			if strings.Contains(a.Body, "<script>") {
				t.Error("the page has <script>, want the visitor's markup escaped")
			}
			switch got := testsite.Token(a.Body); {
			case !food.ValidToken(got):
				t.Errorf("the page has the token %q, want a valid one", got)
			case form.Get("token") == token && got != token:
				t.Errorf("the page has the token %s, want %s, which is valid", got, token)
			}
		})
	}
	wantNothingStored(t, site)
}

// A visitor may go back to a form that is stored, and send it with other answers. Those are not
// lost: the page has them in a form with another token.
func TestConflictKeepsTheNewAnswers(t *testing.T) {
	site := serve(t)
	form := testsite.Form()
	testsite.WantStored(t, site, form)
	form.Set("favourite_food", "Laksa")
	form.Set("country", "SG")
	a := testsite.Post(t, site, form)
	testsite.WantStatus(t, a, http.StatusConflict)
	testsite.WantBody(t, a, "<bdi>Pizza</bdi>", "<dd>United Kingdom</dd>",
		`value="Laksa"`, `value="SG" selected`, "checked")
	token := testsite.Token(a.Body)
	if !food.ValidToken(token) || token == form.Get("token") {
		t.Fatalf("the page has the token %q, want a new one", token)
	}
	form.Set("token", token)
	testsite.WantStored(t, site, form)
	testsite.WantBody(t, testsite.Get(t, site+"/submissions"), "2 records", "Pizza", "Laksa")
}

func TestMalformedFormsAreRefused(t *testing.T) {
	site := serve(t)
	var parts bytes.Buffer
	m := multipart.NewWriter(&parts)
	m.WriteField("first_name", "Ada")
	m.Close()
	const (
		formType = testsite.FormType
		limit    = 16 << 10
		name     = "first_name="
	)
	for _, test := range []struct {
		name, contentType, body string
		want                    int
	}{
		{"100,000 characters", formType, name + strings.Repeat("x", 100_000), 413},
		{"one byte over 16 KB", formType, name + strings.Repeat("x", limit-len(name)+1), 413},
		{"16 KB", formType, name + strings.Repeat("x", limit-len(name)), 422},
		{"two values of one field", formType, testsite.Form().Encode() + "&first_name=Eve", 400},
		{"a broken escape", formType, "first_name=%zz", 400},
		{"multipart", m.FormDataContentType(), parts.String(), 415},
		{"JSON", "application/json", `{"first_name":"Ada"}`, 415},
		{"no content type", "", "first_name=Ada", 415},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := testsite.PostBody(t, site, test.contentType, strings.NewReader(test.body))
			testsite.WantStatus(t, a, test.want)
			testsite.WantBody(t, a, "</html>")
			if test.want != http.StatusUnprocessableEntity {
				// "this time", because an earlier copy may be stored
				testsite.WantBody(t, a, "Nothing was stored this time.")
			}
		})
	}
	wantNothingStored(t, site)
}

// The unit test of checkOrigin, in origin_test.go, has more combinations of these headers.
func TestCrossSitePostsAreRefused(t *testing.T) {
	site := serve(t)
	for _, test := range []struct {
		name, host string
		header     map[string]string
		want       int
	}{
		{"another site", "site.example",
			map[string]string{"Origin": "https://site.example",
				"Sec-Fetch-Site": "cross-site"}, 403},
		{"another origin", "site.example",
			map[string]string{"Origin": "https://elsewhere.example"}, 403},
		{"another port", "site.example",
			map[string]string{"Origin": "http://site.example:8080"}, 403},
		{"a hidden origin", "site.example",
			map[string]string{"Origin": "null"}, 403},
		{"a host name that the client claims", "app:8080",
			map[string]string{"Origin": "http://site.example", "X-Forwarded-Host": "site.example",
				"Forwarded": "host=site.example"}, 403},
		{"the site over plain http", "site.example",
			map[string]string{"Origin": "http://site.example"}, 303},
		{"the site behind a proxy that adds the port", "site.example:443",
			map[string]string{"Origin": "https://site.example"}, 303},
		{"the site over https behind a proxy that rewrites Host", "app:8080",
			map[string]string{"Origin": "https://site.example",
				"Sec-Fetch-Site": "same-origin"}, 303},
		{"not a browser", "site.example", nil, 303},
	} {
		t.Run(test.name, func(t *testing.T) {
			form := testsite.Form()
			form.Set("favourite_food", food.NewToken())
			var a testsite.Answer
			// The answer is 503 while the disk takes some seconds.
			testsite.Within(t, time.Minute, "the site is not too slow", func() error {
				r := testsite.Request(t, "POST", site+"/simpleform",
					strings.NewReader(form.Encode()))
				r.Host = test.host
				r.Header.Set("Content-Type", testsite.FormType)
				for name, value := range test.header {
					r.Header.Set(name, value)
				}
				a = testsite.Send(t, r)
				if a.StatusCode == http.StatusServiceUnavailable && test.want == 303 {
					return errors.New("POST /simpleform = 503")
				}
				return nil
			})
			testsite.WantStatus(t, a, test.want)
			if test.want == http.StatusForbidden {
				testsite.WantBody(t, a, "came from another site", "open it again and submit it")
			}
			records := testsite.Get(t, site+"/submissions")
			stored := strings.Contains(records.Body, form.Get("favourite_food"))
			if want := test.want == http.StatusSeeOther; stored != want {
				t.Errorf("stored = %t, want %t", stored, want)
			}
		})
	}
}
