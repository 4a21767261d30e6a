package web_test

import (
	"io"
	"mime"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"simpleapp/internal/testsite"
	"simpleapp/internal/web"
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
	// The pages of another version of the program link static files with other hashes.
	hash := regexp.MustCompile(`\.[0-9a-f]+\.`)
	other := testsite.Get(t, site+hash.ReplaceAllString(links[0], ".000000000000."))
	testsite.WantStatus(t, other, 200)
	wantCacheControl(t, other, "no-cache")
}

// serveFiles serves the site with these files, by path. They take the place of embedded ones.
func serveFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	cfg := newConfig(t, testsite.EmptySQLite(t), testsite.Quiet)
	changed := make(fstest.MapFS)
	for path, content := range files {
		changed[path] = &fstest.MapFile{Data: []byte(content)}
	}
	cfg.Files = changed
	site, err := web.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return serveSite(t, site)
}

// The tables of the machine do not change the types.
func TestStaticFileTypes(t *testing.T) {
	before := mime.TypeByExtension(".js")
	setType := func(to string) {
		if err := mime.AddExtensionType(".js", to); err != nil {
			t.Fatal(err)
		}
	}
	setType("text/plain")
	defer setType(before)
	site := serveFiles(t, map[string]string{
		"static/a.css": "main { color: teal }", "static/a.js": "alert(1)", "static/a.svg": "<svg/>",
		"static/a.png": "\x89PNG\x0D\x0A\x1A\x0A",
		"templates/home.html": `{{define "main"}}<h1>{{asset "a.css"}} {{asset "a.js"}} ` +
			`{{asset "a.svg"}} {{asset "a.png"}}</h1>{{end}}`,
	})
	home := testsite.Get(t, site+"/")
	for ext, want := range map[string]string{
		"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
		"svg": "image/svg+xml", "png": "image/png",
	} {
		link := regexp.MustCompile(`/static/a\.[0-9a-f]+\.` + ext).FindString(home.Body)
		got := testsite.Get(t, site+link).Header.Get("Content-Type")
		if got != want {
			t.Errorf("GET %s: Content-Type = %q, want %q", link, got, want)
		}
	}
}

// A developer's file may have several dots in its name.
func TestStaticFileWithDotsInItsName(t *testing.T) {
	site := serveFiles(t, map[string]string{
		"static/a.min.css":    "main { color: teal }",
		"templates/home.html": `{{define "main"}}<h1>{{asset "a.min.css"}}</h1>{{end}}`,
	})
	home := testsite.Get(t, site+"/")
	link := regexp.MustCompile(`/static/a\.min\.[^<"]+`).FindString(home.Body)
	a := testsite.Get(t, site+link)
	testsite.WantStatus(t, a, 200)
	wantCacheControl(t, a, "public, max-age=31536000, immutable")
	for _, path := range []string{"/static/a.css", "/static/a.min.css", "/static/css"} {
		testsite.WantStatus(t, testsite.Get(t, site+path), 404)
	}
}

// A developer's file that takes the name of another one is an error. Otherwise the pages would use
// either of them.
func TestStaticFilesOfTheSameName(t *testing.T) {
	site := serveFiles(t, map[string]string{"static/site.css": "", "static/more/site.css": ""})
	page := testsite.Get(t, site+"/")
	if page.StatusCode != 500 || !strings.Contains(page.Body, "static/more/site.css") {
		t.Errorf("GET / = %d\n%s\nwant 500 and the names of the files",
			page.StatusCode, page.Body)
	}
}

// If a developer's error page is broken, the program's own takes its place.
func TestBrokenErrorPage(t *testing.T) {
	site := serveFiles(t, map[string]string{"templates/error.html": `{{define "main"}}{{end`})
	page := testsite.Get(t, site+"/nowhere")
	testsite.WantStatus(t, page, 404)
	testsite.WantBody(t, page, "Page not found</h1>", "</footer>")
}

func wantCacheControl(t *testing.T, a testsite.Answer, want string) {
	t.Helper()
	if got := a.Header.Get("Cache-Control"); got != want {
		t.Errorf("GET %s: Cache-Control = %q, want %q", a.Request.URL.Path, got, want)
	}
}

// The styles are sent compressed to the clients that accept gzip, and to no others (RFC 9110,
// section 12.5.3). HEAD has the same headers (section 9.3.2).
func TestStaticFilesEncoding(t *testing.T) {
	site := serve(t)
	home := testsite.Get(t, site+"/")
	styles := regexp.MustCompile(`/static/site[^"]+css`).FindString(home.Body)
	if styles == "" {
		t.Fatal("GET / links no styles")
	}
	// Go's client would ask for gzip by itself.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true
	defer transport.CloseIdleConnections()
	send := func(method, accept string) (*http.Response, string) {
		r := testsite.Request(t, method, site+styles, nil)
		for line := range strings.SplitSeq(accept, "\n") {
			r.Header.Add("Accept-Encoding", line)
		}
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s%s = %d (%v), want 200", method, site, styles, resp.StatusCode, err)
		}
		return resp, string(body)
	}
	for _, test := range []struct{ accept, want string }{
		{"gzip", "gzip"},
		{"br\ngzip", "gzip"}, // two lines are one list
		{"*\ngzip;q=0", ""},
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
		a, body := send(http.MethodGet, test.accept)
		if got := a.Header.Get("Content-Encoding"); got != test.want {
			t.Errorf("Accept-Encoding %q: Content-Encoding = %q, want %q",
				test.accept, got, test.want)
		}
		if got := a.Header.Values("Vary"); !slices.Equal(got, []string{"Accept-Encoding"}) {
			t.Errorf("Accept-Encoding %q: Vary = %q, want Accept-Encoding", test.accept, got)
		}
		if want := int64(len(body)); a.ContentLength != want {
			t.Errorf("Accept-Encoding %q: Content-Length = %d, want %d",
				test.accept, a.ContentLength, want)
		}
		head, _ := send(http.MethodHead, test.accept)
		head.Header.Del("Date")
		a.Header.Del("Date")
		if !reflect.DeepEqual(head.Header, a.Header) {
			t.Errorf("Accept-Encoding %q: the headers of HEAD are %v, want those of GET: %v",
				test.accept, head.Header, a.Header)
		}
	}
}
