//go:build servers

package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// `make test` builds the styles and the script, which a clone lacks.
func TestHomePageHasStylesAndScript(t *testing.T) {
	home := get(t, startReady(t, embedded(t)).url+"/")
	for _, want := range []string{`<link rel="stylesheet" href="/static/app.`, `<script src="/static/app.`} {
		if !strings.Contains(home.body, want) {
			t.Errorf("GET / has no %s (`make assets` builds it)", want)
		}
	}
}

// The styles are compressed for clients that take gzip, and only for them (RFC 9110, section 12.5.3).
func TestEncodingOfStaticFiles(t *testing.T) {
	p := startReady(t, embedded(t))
	home := get(t, p.url+"/")
	compressed := p.url + regexp.MustCompile(`/static/app[^"]+css`).FindString(home.body)
	for _, test := range []struct {
		accept string
		want   string
	}{
		{"gzip", "gzip"},
		{"gzip, deflate, br, zstd", "gzip"}, // browsers
		{"GZip", "gzip"},
		{"br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip"},
		{"gzip;q=0.001", "gzip"},
		{"gzip ; q=0.5", "gzip"},
		{"*", "gzip"},
		{"identity;q=0, *", "gzip"},
		{"identity;q=0, gzip", "gzip"},
		{"", ""},
		{"identity", ""},
		{"br, zstd", ""},
		{"x-gzipped", ""},
		{"gzip;q=0", ""},
		{"gzip;Q=0.000", ""},
		{"gzip;q=0, *", ""},
		{"*, gzip;q=0", ""},
		{"*;q=0", ""},
		{"identity;q=0", ""}, // nothing else is there
		{"gzip;q=much", ""},
	} {
		r := request(t, "GET", compressed, nil)
		r.Header.Set("Accept-Encoding", test.accept)
		a := send(t, r)
		wantStatus(t, a, 200)
		if got := a.Header.Get("Content-Encoding"); got != test.want {
			t.Errorf("Accept-Encoding %q: Content-Encoding = %q, want %q", test.accept, got, test.want)
		}
		if got := a.Header.Values("Vary"); !slices.Equal(got, []string{"Accept-Encoding"}) {
			t.Errorf("Accept-Encoding %q: Vary = %q", test.accept, got)
		}
		if a.ContentLength != int64(len(a.body)) {
			t.Errorf("Accept-Encoding %q: Content-Length = %d with %d bytes", test.accept, a.ContentLength, len(a.body))
		}
	}
}
