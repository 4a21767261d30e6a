package testserver

import (
	"net"
	"net/http"
	"sync"
)

// AsBrowser gives a request what a browser sends over plain http to a site whose name is not localhost:
// no Sec-Fetch-Site, and with a form the Origin, unless the policy of the form's page hides it.
func AsBrowser(r *http.Request, referrerPolicy string) {
	_, port, _ := net.SplitHostPort(r.URL.Host)
	r.Host = net.JoinHostPort("simpleapp.test", port)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36")
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	r.Header.Set("Accept-Language", "en-GB,en;q=0.9")
	r.Header.Set("Upgrade-Insecure-Requests", "1")
	if r.Method != http.MethodPost {
		return
	}
	r.Header.Set("Cache-Control", "max-age=0")
	if referrerPolicy == "no-referrer" {
		r.Header.Set("Origin", "null")
		return
	}
	r.Header.Set("Origin", "http://"+r.Host)
	r.Header.Set("Referer", "http://"+r.Host+"/simpleform")
}

// A Browser sends each request as AsBrowser says. Its forms are under the policy of the last page.
type Browser struct {
	http.RoundTripper

	mu     sync.Mutex
	policy string
}

// RoundTrip implements http.RoundTripper.
func (b *Browser) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	b.mu.Lock()
	AsBrowser(r, b.policy)
	b.mu.Unlock()
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		b.mu.Lock()
		b.policy = response.Header.Get("Referrer-Policy")
		b.mu.Unlock()
	}
	return response, err
}
