package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestCheckOrigin(t *testing.T) {
	for _, test := range []struct {
		name, origin, host, fetchSite string
		want                          bool
	}{
		{"the same host", "http://site.example", "site.example", "", true},
		{"the same host and port", "http://site.example:8080", "site.example:8080", "", true},
		{"https behind a proxy that terminates TLS",
			"https://site.example", "site.example", "", true},
		{"a Host with the default port of http",
			"http://site.example", "site.example:80", "", true},
		{"a Host with the default port of https",
			"https://site.example", "site.example:443", "", true},
		{"an Origin with its default port", "http://site.example:80", "site.example", "", true},
		{"a Host in upper case", "http://site.example", "SITE.Example:80", "", true},
		{"an Origin in upper case", "HTTP://Site.Example", "site.example", "", true},
		{"a full name whose dot a proxy has removed",
			"http://site.example.", "site.example", "", true},
		{"a full name with a port", "http://site.example", "site.example.:80", "", true},
		{"an international name", "http://xn--caf-dma.example", "XN--CAF-DMA.example", "", true},
		{"an IPv4 address", "http://192.0.2.1:8080", "192.0.2.1:8080", "", true},
		{"an IPv6 address", "http://[2001:db8::1]", "[2001:DB8::1]", "", true},
		{"an IPv6 address with a port",
			"http://[2001:db8::1]:8080", "[2001:db8::1]:8080", "", true},
		{"an IPv6 address with the default port",
			"https://[2001:db8::1]", "[2001:db8::1]:443", "", true},

		{"no Origin", "", "site.example", "", true},
		{"the browser says that it is the same origin", "", "site.example", "same-origin", true},
		{"the same origin behind a proxy that rewrites Host",
			"https://site.example", "app:8080", "same-origin", true},
		{"the browser says that no page made the request", "", "site.example", "none", true},

		{"a hidden Origin", "null", "site.example", "", false},
		{"a hidden Origin and no Host", "null", "", "", false},
		{"an Origin without a host and no Host", "http://", "", "", false},
		{"an Origin without a host and a Host that is a port", "http://:80", ":80", "", false},
		{"an Origin that is not a URL", "://", "site.example", "", false},
		{"another site", "http://evil.example", "site.example", "", false},
		{"a subdomain", "http://evil.site.example", "site.example", "", false},
		{"the parent domain", "http://site.example", "app.site.example", "", false},
		{"a name that starts with the host",
			"http://site.example.evil.example", "site.example", "", false},
		{"another port", "http://site.example:8080", "site.example", "", false},
		{"no port where Host has one", "http://site.example", "site.example:8080", "", false},
		{"two different ports", "http://site.example:8080", "site.example:8081", "", false},
		{"http on the port of https", "http://site.example", "site.example:443", "", false},
		{"https on the port of http", "https://site.example", "site.example:80", "", false},
		{"another IPv6 address", "http://[2001:db8::2]", "[2001:db8::1]", "", false},
		{"a browser extension", "chrome-extension://site.example", "site.example", "", false},
		{"a proxy that rewrites Host without Sec-Fetch-Site",
			"http://site.example", "app:8080", "", false},
		{"the browser says that it is another site",
			"http://site.example", "site.example", "cross-site", false},
		{"the browser says that it is a subdomain",
			"http://site.example", "site.example", "same-site", false},
		{"a Sec-Fetch-Site that no browser sends",
			"http://site.example", "site.example", "maybe", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/simpleform", nil)
			r.Host = test.host
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			if test.fetchSite != "" {
				r.Header.Set("Sec-Fetch-Site", test.fetchSite)
			}
			err := checkOrigin(http.NewCrossOriginProtection(), r)
			if allowed := err == nil; allowed != test.want {
				t.Errorf("Origin %q, Host %q, Sec-Fetch-Site %q: %v, want allowed = %t",
					test.origin, test.host, test.fetchSite, err, test.want)
			}
			if r.Host != test.host {
				t.Errorf("checkOrigin changed Host to %q", r.Host)
			}
		})
	}
}
