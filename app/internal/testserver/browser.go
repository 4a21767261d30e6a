package testserver

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// Host is the site's name for a browser. A browser treats http on localhost like https, but not
// http under any other name.
const Host = "simpleapp.test"

// userAgent is the User-Agent of Chrome on Linux.
const userAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " +
	"Chrome/156.0.0.0 Safari/537.36"

// AsBrowser sets the headers that a browser sends over plain http to a site whose name is not
// localhost. Sec-Fetch-Site is not among them. A form has an Origin, which is "null" if the page of
// the form has the policy no-referrer.
func AsBrowser(r *http.Request, referrerPolicy string) {
	_, port, _ := net.SplitHostPort(r.URL.Host)
	r.Host = net.JoinHostPort(Host, port)
	r.Header.Set("User-Agent", userAgent)
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

// NewBrowser returns a client that sends what a browser sends, keeps its connections, and follows
// no redirects. The caller should call CloseIdleConnections.
func NewBrowser(timeout time.Duration) *http.Client {
	return &http.Client{
		Transport: &browser{Transport: &http.Transport{MaxIdleConnsPerHost: 512}},
		Timeout:   timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// A browser prepares each request with AsBrowser. It applies the Referrer-Policy of the last page
// to the next form.
type browser struct {
	*http.Transport

	mu     sync.Mutex
	policy string // Referrer-Policy of the last page
}

// RoundTrip implements http.RoundTripper.
func (b *browser) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	b.mu.Lock()
	AsBrowser(r, b.policy)
	b.mu.Unlock()
	response, err := b.Transport.RoundTrip(r)
	if err == nil {
		b.mu.Lock()
		b.policy = response.Header.Get("Referrer-Policy")
		b.mu.Unlock()
	}
	return response, err
}
