package testserver

import (
	"bytes"
	"io"
	"net/http/httputil"
	"net/url"
)

// Proxy returns a proxy to addr, host:port, that leaves Host as the browser sent it.
func Proxy(addr string) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: addr})
		r.Out.Host = r.In.Host
		if r.Out.Body != nil {
			// A form is sent on whole. Else the answer could begin while the transport still looks for
			// the form's end, which breaks off both (golang.org/issue/40747).
			body, err := io.ReadAll(r.In.Body)
			if err == nil {
				r.Out.Body = io.NopCloser(bytes.NewReader(body))
			}
		}
	}}
}
