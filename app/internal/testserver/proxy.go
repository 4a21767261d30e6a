package testserver

import (
	"bytes"
	"io"
	"net/http/httputil"
	"net/url"
)

// Proxy returns a proxy to addr (host:port). It passes on Host as the browser sent it.
func Proxy(addr string) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: addr})
		r.Out.Host = r.In.Host
		if r.Out.Body != nil {
			// Read the form completely before it is sent on. Otherwise the answer could begin while
			// the transport still waits for the end of the form, which breaks off both
			// (golang.org/issue/40747).
			body, err := io.ReadAll(r.In.Body)
			if err == nil {
				r.Out.Body = io.NopCloser(bytes.NewReader(body))
			}
		}
	}}
}
