package web_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"simpleapp/internal/testsite"
	"simpleapp/internal/web"
)

func TestOtherMethodsAreRefused(t *testing.T) {
	site := serve(t)
	for _, test := range []struct{ method, path, wantAllow string }{
		{"POST", "/", "GET, HEAD"},
		{"DELETE", "/simpleform", "GET, HEAD, POST"},
		{"PUT", "/ping", "GET, HEAD"},
		{"FOO", "/static/x.y.css", "GET, HEAD"},
		{"POST", "/submissions", "GET, HEAD"},
		{"POST", "/results", "GET, HEAD"},
	} {
		a := testsite.Send(t, testsite.Request(t, test.method, site+test.path, nil))
		testsite.WantStatus(t, a, http.StatusMethodNotAllowed)
		testsite.WantBody(t, a, "</html>")
		if got := a.Header.Get("Allow"); got != test.wantAllow {
			t.Errorf("%s %s: Allow = %q, want %q", test.method, test.path, got, test.wantAllow)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	site := serve(t)
	for _, a := range []testsite.Answer{
		testsite.Get(t, site+"/"),
		testsite.Get(t, site+"/nowhere"),
		testsite.Get(t, site+"/ping"),
		testsite.Get(t, site+"/static/favicon.0.svg"),
		testsite.Get(t, site+"//simpleform"),
		testsite.Post(t, site, testsite.Form()),
		testsite.Post(t, site, nil),
		testsite.PostBody(t, site, "text/plain", nil),
		testsite.Send(t, testsite.Request(t, "PUT", site+"/", nil)),
	} {
		method, path := a.Request.Method, a.Request.URL.Path
		csp := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s %s: Content-Security-Policy = %q, want frame-ancestors 'none', "+
				"and nothing unsafe", method, path, csp)
		}
		for _, name := range []string{"X-Content-Type-Options", "Referrer-Policy",
			"Permissions-Policy", "Cross-Origin-Resource-Policy", "Cache-Control"} {
			if a.Header.Get(name) == "" {
				t.Errorf("%s %s: no %s", method, path, name)
			}
		}
	}
	home := testsite.Get(t, site+"/")
	inline := regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son\w+=`)
	if found := inline.FindString(home.Body); found != "" {
		t.Errorf("GET / has %q, an inline script or style that the policy forbids", found)
	}
}

// Search engines show no visitor's name, and index the other pages.
func TestPagesWithNamesAreNotIndexed(t *testing.T) {
	site := serve(t)
	for path, want := range map[string]string{
		"/": "", "/simpleform": "", "/results": "",
		"/submissions": "noindex", "/submissions?before=7": "noindex",
		"/simpleform/success?reference=0123-4567-89ab": "noindex",
	} {
		if got := testsite.Get(t, site+path).Header.Get("X-Robots-Tag"); got != want {
			t.Errorf("GET %s: X-Robots-Tag = %q, want %q", path, got, want)
		}
	}
}

// Over plain http, browsers report Cross-Origin-Opener-Policy as an error. They send Sec-Fetch-Site
// only over https, or over http to localhost.
func TestOpenerPolicyNeedsHTTPS(t *testing.T) {
	site := serve(t)
	for _, test := range []struct{ fetchSite, want string }{
		{"", ""}, {"none", "same-origin"}, {"cross-site", "same-origin"},
	} {
		r := testsite.Request(t, "GET", site+"/", nil)
		if test.fetchSite != "" {
			r.Header.Set("Sec-Fetch-Site", test.fetchSite)
		}
		got := testsite.Send(t, r).Header.Get("Cross-Origin-Opener-Policy")
		if got != test.want {
			t.Errorf("Sec-Fetch-Site %q: Cross-Origin-Opener-Policy = %q, want %q",
				test.fetchSite, got, test.want)
		}
	}
}

// Browsers apply Strict-Transport-Security to all ports of a name. If a site on another port than
// 443 sent it, visitors who open http://name/ would go to port 443, and not find the site.
func TestStrictTransportSecurityNeedsPort443(t *testing.T) {
	for port, want := range map[uint16]string{443: "max-age=31536000", 8443: ""} {
		db := testsite.EmptySQLite(t)
		cfg := newConfig(t, db, testsite.Quiet)
		cfg.HTTPSPort = port
		site, err := web.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewTLSServer(site)
		t.Cleanup(server.Close)
		answer, err := server.Client().Get(server.URL + "/")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		got := answer.Header.Get("Strict-Transport-Security")
		if answer.StatusCode != 200 || got != want {
			t.Errorf("HTTPS_PORT=%d: GET / = %d, Strict-Transport-Security = %q, want 200, %q",
				port, answer.StatusCode, got, want)
		}
	}
}
