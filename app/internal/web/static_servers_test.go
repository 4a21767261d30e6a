//go:build servers

package web_test

import (
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"simpleapp/internal/testsite"
)

// The tests in this file have the tag servers, because `make test` builds the styles and the script
// for them. A clone has neither.

func TestHomePageHasStylesAndScript(t *testing.T) {
	home := testsite.Get(t, serve(t)+"/")
	testsite.WantStatus(t, home, 200)
	t.Log("`make assets` builds the styles and the script")
	testsite.WantBody(t, home,
		`<link rel="stylesheet" href="/static/app.`, `<script src="/static/app.`)
}

// The styles are sent compressed to the clients that accept gzip, and to no others (RFC 9110,
// section 12.5.3). HEAD has the same headers (section 9.3.2).
func TestStaticFilesEncoding(t *testing.T) {
	site := serve(t)
	home := testsite.Get(t, site+"/")
	styles := regexp.MustCompile(`/static/app[^"]+css`).FindString(home.Body)
	if styles == "" {
		t.Fatal("GET / links no styles: `make assets` builds them")
	}
	for _, test := range []struct{ accept, want string }{
		{"gzip", "gzip"},
		{"gzip, deflate, br, zstd", "gzip"}, // browsers send this
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
		{"identity;q=0", ""}, // the site has no encoding that this client accepts
		{"gzip;q=much", ""},
	} {
		r := testsite.Request(t, "GET", site+styles, nil)
		r.Header.Set("Accept-Encoding", test.accept)
		a := testsite.Send(t, r)
		testsite.WantStatus(t, a, 200)
		if got := a.Header.Get("Content-Encoding"); got != test.want {
			t.Errorf("Accept-Encoding %q: Content-Encoding = %q, want %q",
				test.accept, got, test.want)
		}
		if got := a.Header.Values("Vary"); !slices.Equal(got, []string{"Accept-Encoding"}) {
			t.Errorf("Accept-Encoding %q: Vary = %q, want Accept-Encoding", test.accept, got)
		}
		if want := int64(len(a.Body)); a.ContentLength != want {
			t.Errorf("Accept-Encoding %q: Content-Length = %d, want %d",
				test.accept, a.ContentLength, want)
		}
		r.Method = http.MethodHead
		head := testsite.Send(t, r)
		testsite.WantStatus(t, head, 200)
		head.Header.Del("Date")
		a.Header.Del("Date")
		if !reflect.DeepEqual(head.Header, a.Header) {
			t.Errorf("Accept-Encoding %q: the headers of HEAD are %v, want those of GET: %v",
				test.accept, head.Header, a.Header)
		}
	}
}
