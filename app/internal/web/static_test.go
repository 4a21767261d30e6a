package web_test

import (
	"regexp"
	"testing"

	"simpleapp/internal/testsite"
)

func TestStaticFiles(t *testing.T) {
	site := serve(t)
	home := testsite.Get(t, site+"/")
	links := regexp.MustCompile(`/static/[^"]+`).FindAllString(home.Body, -1)
	if len(links) == 0 {
		t.Fatal("the home page links no static file")
	}
	for _, link := range links {
		r := testsite.Request(t, "GET", site+link, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		a := testsite.Send(t, r)
		testsite.WantStatus(t, a, 200)
		wantCacheControl(t, a, "public, max-age=31536000, immutable")
		encoding := a.Header.Get("Content-Encoding")
		if len(a.Body) > 1000 && encoding != "gzip" {
			t.Errorf("GET %s: %d bytes, Content-Encoding = %q, want gzip",
				link, len(a.Body), encoding)
		}
	}
	// The pages of another version of the program have other hashes in their addresses.
	hash := regexp.MustCompile(`\.[0-9a-f]+\.`)
	other := testsite.Get(t, site+hash.ReplaceAllString(links[0], ".000000000000."))
	testsite.WantStatus(t, other, 200)
	wantCacheControl(t, other, "no-cache")
}

func wantCacheControl(t *testing.T, a testsite.Answer, want string) {
	t.Helper()
	if got := a.Header.Get("Cache-Control"); got != want {
		t.Errorf("GET %s: Cache-Control = %q, want %q", a.Request.URL.Path, got, want)
	}
}
