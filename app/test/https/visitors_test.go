package https

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
	"simpleapp/test/e2e/chrome"
)

// leadTo makes a browser open the ports of http and https at the program.
func leadTo(app *testserver.App) chromedp.ExecAllocatorOption {
	return chromedp.Flag("host-resolver-rules", fmt.Sprintf("MAP %s:80 %s, MAP %[1]s:443 %[3]s",
		domain, app.Addr, app.HTTPSAddr))
}

// A browser that opens the site on plain http ends on https, and submits the form there.
func TestBrowser(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, usual)
	app := start(t, append(a.environ(both), a.alone())...)
	certificate := a.awaitServed(t, nil, app)
	key := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	browser := chrome.Start(t,
		leadTo(app), chromedp.Flag("ignore-certificate-errors-spki-list",
			base64.StdEncoding.EncodeToString(key[:])))
	response := chrome.Open(t, browser, chromedp.Navigate("http://"+domain+"/simpleform"))
	if want := "https://" + domain + "/simpleform"; response.URL != want {
		t.Errorf("the browser is at %s, want %s", response.URL, want)
	}
	chrome.Do(t, browser, chrome.FillIn(testsite.Form()))
	chrome.Submit(t, browser, http.StatusOK)
}

// A visitor opens the form while the authority is down, and so the site is on plain http, and
// submits it when the site has its certificate. The form is stored, and the page that follows is on
// https.
func TestBrowserFormOpenedBeforeTheCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, usual)
	again := a.Stop()
	app := start(t, append(a.environ(both), a.alone())...)
	browser := chrome.Start(t, leadTo(app), chromedp.IgnoreCertErrors)
	chrome.Do(t, browser, chromedp.Navigate("http://"+domain+"/simpleform"),
		chrome.FillIn(testsite.Form()))
	wantReason(t, app, "the authority can't be reached")
	again()
	a.awaitServed(t, nil, app)
	chrome.Submit(t, browser, http.StatusOK)
	address := chrome.Value(t, browser, chromedp.Location())
	if want := "https://" + domain + "/simpleform/success"; !strings.HasPrefix(address, want) {
		t.Errorf("the browser is at %s, want %s", address, want)
	}
}

// The site is told the port on which visitors find https.
func TestRedirectToAnotherPort(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, usual)
	app := start(t, append(a.environ(both), a.alone(), "HTTPS_PORT=8443")...)
	a.awaitServed(t, nil, app)
	r := testsite.Request(t, "GET", "http://"+app.Addr+"/results", nil)
	r.Host = domain + ":8080"
	answer := testsite.Send(t, r)
	testsite.WantStatus(t, answer, http.StatusMovedPermanently)
	if to := answer.Header.Get("Location"); to != "https://food.example.test:8443/results" {
		t.Errorf("GET http://%s/results leads to %s, want port 8443", r.Host, to)
	}
}

// Plain http redirects GET and HEAD to https, except for the authority. https tells browsers to
// stay there.
func TestRedirects(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, usual)
	app := start(t, append(a.environ(both), a.alone())...)
	a.awaitServed(t, nil, app)
	for _, test := range []struct {
		method, host, path, want string
		status                   int
	}{
		{"GET", domain, "/", "https://food.example.test/", 301},
		{"HEAD", domain + ":80", "/results?x=1", "https://food.example.test/results?x=1", 301},
		{"GET", "WWW.food.example.test", "/%41b", "https://www.food.example.test/%41b", 301},
		{"GET", "192.0.2.7", "/ping", "https://food.example.test/ping", 301},
		{"GET", domain, "http://me:word@" + domain + "/ping?x=1",
			"https://food.example.test/ping?x=1", 301},
		{"GET", domain, "http:ping", "https://food.example.test", 301},
		{"POST", domain, "/simpleform", "", 415}, // see TestBrowserFormOpenedBeforeTheCertificate
		{"GET", domain, "/.well-known/acme-challenge/unknown-unknown-unknown", "", 404},
		{"GET", domain, "/.well-known/acme-challenge/' OR 1=1 --", "", 404},
	} {
		r := testsite.Request(t, test.method, "http://"+app.Addr, nil)
		r.Host, r.URL.Opaque = test.host, strings.ReplaceAll(test.path, " ", "%20")
		answer := testsite.Send(t, r)
		if answer.StatusCode != test.status || answer.Header.Get("Location") != test.want {
			t.Errorf("%s http://%s%s = %d to %q, want %d to %q", test.method, test.host, test.path,
				answer.StatusCode, answer.Header.Get("Location"), test.status, test.want)
		}
		if answer.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s http://%s%s has Strict-Transport-Security", test.method, test.host,
				test.path)
		}
	}
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: a.Roots},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", app.HTTPSAddr)
		}}}
	defer client.CloseIdleConnections()
	home, err := client.Get("https://" + domain + "/")
	if err != nil {
		t.Fatal(err)
	}
	home.Body.Close()
	success, err := testsite.Submit(client, "https://"+domain, testsite.Form())
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range []*http.Response{home, success.Response} {
		hsts := answer.Header.Get("Strict-Transport-Security")
		if answer.StatusCode != 200 || hsts != "max-age=31536000" {
			t.Errorf("%s = %d, Strict-Transport-Security %q, want 200 and a year",
				answer.Request.URL, answer.StatusCode, hsts)
		}
	}
	metrics := testsite.Get(t, "http://"+app.AdminAddr+"/metrics").Body
	expiry := regexp.MustCompile(`(?m)^simpleapp_certificate_expiry_timestamp_seconds 1\.\d+e\+09$`)
	if !expiry.MatchString(metrics) {
		t.Error("the metrics lack the end of the certificate")
	}
	if strings.Contains(app.Log(), "PRIVATE") {
		t.Error("the log has a private key")
	}
}
