package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/food"
)

var badge = regexp.MustCompile(`Visits: (\d+)`)

func visitNumber(t *testing.T, a answer) (n int64) {
	t.Helper()
	match := badge.FindStringSubmatch(a.body)
	if match == nil {
		t.Fatalf("no visits badge in\n%s", a.body)
	}
	fmt.Sscan(match[1], &n)
	return n
}

func validForm() url.Values {
	return url.Values{"token": {food.NewToken()}, "first_name": {"Ada"}, "last_name": {"Lovelace"},
		"favourite_food": {"Pizza"}, "country": {"GB"}, "pledge": {"yes"}}
}

func post(t *testing.T, p *program, form url.Values) answer {
	t.Helper()
	return postBody(t, p, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

func postBody(t *testing.T, p *program, contentType string, body io.Reader) answer {
	t.Helper()
	r := request(t, "POST", p.url+"/simpleform", body)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Origin", p.url) // as browsers do, and over plain http no Sec-Fetch-Site
	return send(t, r)
}

func TestPages(t *testing.T) {
	for _, storage := range storages {
		t.Run(storage.name, func(t *testing.T) {
			p := startReady(t, storage.environ(t))
			titles := make(map[string]string)
			for _, page := range []struct {
				path, status string
				wants        []string
			}{
				{"/", "200 OK", []string{"Hello! This is SimpleApp", "Learn more", "Docker", "Swarm", "Compose &amp; Stack", "docs.docker.com", "version dev"}},
				{"/simpleform", "200 OK", []string{`name="first_name"`, `name="last_name"`, `name="favourite_food"`, "e.g. Pizza", `name="country"`, ">Singapore</option>", `name="pledge"`, `name="token"`, "Submit"}},
				{"/simpleform/success", "200 OK", nil},
				{"/submissions", "200 OK", []string{"MySQL Data"}},
				{"/results", "200 OK", nil},
				{"/nowhere", "404 Not Found", []string{"Page not found", "SimpleApp"}},
				{"/static/", "404 Not Found", nil},
				{"/static/nothing.css", "404 Not Found", nil},
				{"/static/app.css/", "404 Not Found", nil},
			} {
				a := get(t, p.url+page.path)
				if a.Status != page.status {
					t.Errorf("GET %s = %s, want %s", page.path, a.Status, page.status)
				}
				wantBody(t, a, page.wants...)
				wantBody(t, a, `<html lang="en">`, "</html>")
				title := regexp.MustCompile("<title>(.*)</title>").FindStringSubmatch(a.body)[1]
				if other, taken := titles[title]; taken && page.status == "200 OK" {
					t.Errorf("%s and %s share the title %q", page.path, other, title)
				}
				titles[title] = page.path
			}
		})
	}
}

func TestEachHomePageCountsOneVisit(t *testing.T) {
	for _, storage := range storages {
		t.Run(storage.name, func(t *testing.T) {
			p := startReady(t, storage.environ(t))
			first := visitNumber(t, get(t, p.url+"/"))
			if second := visitNumber(t, get(t, p.url+"/")); second != first+1 {
				t.Errorf("second visit = %d, want %d", second, first+1)
			}
			head := send(t, request(t, "HEAD", p.url+"/", nil))
			wantStatus(t, head, 200)
			get(t, p.url+"/simpleform")
			get(t, p.url+"/submissions")
			get(t, p.url+"/results")
			var ping struct {
				Message, Instance, Version string
				Visits                     int64
			}
			a := get(t, p.url+"/ping")
			if err := json.Unmarshal([]byte(a.body), &ping); err != nil || a.Header.Get("Content-Type") != "application/json" {
				t.Errorf("GET /ping: %v, %s", err, a.Header.Get("Content-Type"))
			}
			if ping.Visits != first+1 || ping.Message == "" || ping.Instance == "" || ping.Version != "dev" {
				t.Errorf("GET /ping = %s, want %d visits", a.body, first+1)
			}
		})
	}
}

func TestASubmissionIsStoredOnceAndShown(t *testing.T) {
	for _, storage := range storages {
		t.Run(storage.name, func(t *testing.T) {
			p := startReady(t, with(storage.environ(t), "TZ", "Asia/Singapore"))
			form := validForm()
			form.Set("first_name", "  O'Brien <script> ")
			form.Set("last_name", "寿司"+food.NewToken())
			form.Set("favourite_food", strings.Repeat("🍕", 100))
			for range 2 { // a double click
				a := post(t, p, form)
				wantStatus(t, a, http.StatusSeeOther)
				if to := a.Header.Get("Location"); !strings.HasPrefix(to, "/simpleform/success") {
					t.Errorf("Location = %s", to)
				}
				wantStatus(t, get(t, p.url+a.Header.Get("Location")), 200)
			}
			a := get(t, p.url+"/submissions")
			wantBody(t, a, "O&#39;Brien &lt;script&gt;<", form.Get("favourite_food"), "United Kingdom",
				time.Now().In(time.FixedZone("SGT", 8*3600)).Format("January 2, 2006 15:"))
			if n := strings.Count(a.body, form.Get("last_name")); n != 1 {
				t.Errorf("shown %d times, want once", n)
			}

			other := form
			other.Set("favourite_food", "Soup")
			a = post(t, p, other)
			wantStatus(t, a, http.StatusConflict)
			wantBody(t, a, strings.Repeat("🍕", 100), html.EscapeString(strings.TrimSpace(form.Get("first_name"))))
		})
	}
}

func TestSubmissionsCanBeLeafedThrough(t *testing.T) {
	p := startReady(t, embedded(t))
	link := regexp.MustCompile(`href="(/submissions\?[a-z]+=\d+)" rel="(prev|next)"`)
	links := func(a answer) map[string]string {
		found := make(map[string]string)
		for _, match := range link.FindAllStringSubmatch(a.body, -1) {
			found[match[2]] = p.url + match[1]
		}
		return found
	}
	for i := range 60 {
		form := validForm()
		form.Set("first_name", fmt.Sprintf("Visitor %02d", i))
		wantStatus(t, post(t, p, form), 303)
	}
	first := get(t, p.url+"/submissions")
	wantBody(t, first, "25 records", "Visitor 59", "Visitor 35")
	second := get(t, links(first)["next"])
	wantBody(t, second, "25 records", "Visitor 34", "Visitor 10")
	third := get(t, links(second)["next"])
	wantBody(t, third, "10 records", "Visitor 09", "Visitor 00")
	if links(first)["prev"] != "" || links(third)["next"] != "" {
		t.Error("there is a page before the first or after the last")
	}
	wantBody(t, get(t, links(third)["prev"]), "Visitor 34", "Visitor 10")
	wantBody(t, get(t, links(second)["prev"]), "Visitor 59", "Visitor 35")

	wantBody(t, get(t, p.url+"/submissions?before=1"), "no older records")
	wantBody(t, get(t, p.url+"/submissions?before=999999999"), "Visitor 59")
	wantBody(t, get(t, p.url+"/submissions?after=999999999"), "Visitor 59")
	for _, query := range []string{"before=0", "before=-1", "before=x", "after=1.5", "before=1&after=1", "after=99999999999999999999", "before=" + strings.Repeat("9", 10_000)} {
		if a := get(t, p.url+"/submissions?"+query); a.StatusCode != 404 {
			t.Errorf("/submissions?%.30s = %d, want 404", query, a.StatusCode)
		}
	}
	wantStatus(t, get(t, p.url+"/submissions?before="+strings.Repeat("9", 100_000)), 431)
}

func TestInvalidAnswersAreKeptAndExplained(t *testing.T) {
	p := startReady(t, embedded(t))
	for _, test := range []struct {
		name   string
		change func(url.Values)
		wants  []string
	}{
		{"empty form", func(f url.Values) { clear(f) }, []string{"Enter your first name", "Enter your last name", "Enter your favourite food", "Select your country", "Tick the box to make the pledge"}},
		{"101 characters", func(f url.Values) { f.Set("first_name", strings.Repeat("x", 101)) }, []string{"First name must be 100 characters or less", strings.Repeat("x", 101), `value="Lovelace"`, `value="Pizza"`, `value="GB" selected`, "checked"}},
		{"markup", func(f url.Values) { f.Set("first_name", `"><script>`); f.Del("pledge") }, []string{"Tick the box", "&#34;&gt;&lt;script&gt;"}},
		{"broken UTF-8", func(f url.Values) { f.Set("last_name", "\xff\xfe") }, []string{"can’t be read"}},
		{"control characters", func(f url.Values) { f.Set("last_name", "a\x00b") }, []string{"without control characters"}},
		{"unknown country", func(f url.Values) { f.Set("country", "XX") }, []string{"Select a country from the list"}},
		{"foreign token", func(f url.Values) { f.Set("token", `"><script>`) }, []string{"check your answers and submit"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			form := validForm()
			token := form.Get("token")
			test.change(form)
			a := post(t, p, form)
			wantStatus(t, a, http.StatusUnprocessableEntity)
			wantBody(t, a, append(test.wants, "<title>Error: ", `role="alert"`, `id="error-summary"`)...)
			if strings.Contains(a.body, "<script>") {
				t.Error("markup comes back as markup")
			}
			kept := regexp.MustCompile(`name="token" value="(.*?)"`).FindStringSubmatch(a.body)
			if kept == nil || !food.ValidToken(kept[1]) || form.Get("token") == token && kept[1] != token {
				t.Errorf("token = %q, want a valid one, and the same if it was", kept)
			}
		})
	}
	if a := get(t, p.url+"/submissions"); strings.Contains(a.body, "<td>") {
		t.Error("an invalid submission was stored")
	}
}

func TestWhatIsNoFormIsRefused(t *testing.T) {
	p := startReady(t, embedded(t))
	var parts bytes.Buffer
	m := multipart.NewWriter(&parts)
	m.WriteField("first_name", "Ada")
	m.Close()
	const formType = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		name, contentType, body string
		want                    int
	}{
		{"100,000 characters", formType, url.Values{"first_name": {strings.Repeat("x", 100_000)}}.Encode(), 413},
		{"one byte over 16 KB", formType, "first_name=" + strings.Repeat("x", 16<<10-len("first_name=")+1), 413},
		{"16 KB", formType, "first_name=" + strings.Repeat("x", 16<<10-len("first_name=")), 422},
		{"two values for one field", formType, validForm().Encode() + "&first_name=Eve", 400},
		{"a broken escape", formType, "first_name=%zz", 400},
		{"multipart", m.FormDataContentType(), parts.String(), 415},
		{"JSON", "application/json", `{"first_name":"Ada"}`, 415},
		{"no type", "", "first_name=Ada", 415},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := postBody(t, p, test.contentType, strings.NewReader(test.body))
			wantStatus(t, a, test.want)
			wantBody(t, a, "</html>")
		})
	}
	if a := get(t, p.url+"/submissions"); strings.Contains(a.body, "<td>") {
		t.Error("something was stored")
	}
}

// How Origin, Host and Sec-Fetch-Site are compared is tested beside the code, in web/origin_test.go.
func TestCrossSitePostsAreRefused(t *testing.T) {
	p := startReady(t, embedded(t))
	for _, test := range []struct {
		name, host string
		header     http.Header
		want       int
	}{
		{"another site", "site.example", http.Header{"Origin": {"https://site.example"}, "Sec-Fetch-Site": {"cross-site"}}, 403},
		{"another origin", "site.example", http.Header{"Origin": {"https://elsewhere.example"}}, 403},
		{"another port", "site.example", http.Header{"Origin": {"http://site.example:8080"}}, 403},
		{"a hidden origin", "site.example", http.Header{"Origin": {"null"}}, 403},
		{"a name that a client claims", "app:8080", http.Header{"Origin": {"http://site.example"}, "X-Forwarded-Host": {"site.example"}, "Forwarded": {"host=site.example"}}, 403},
		{"the site, over plain http", "site.example", http.Header{"Origin": {"http://site.example"}}, 303},
		{"the site, behind a proxy that adds the port", "site.example:443", http.Header{"Origin": {"https://site.example"}}, 303},
		{"the site, over https behind a proxy that rewrites Host", "app:8080", http.Header{"Origin": {"https://site.example"}, "Sec-Fetch-Site": {"same-origin"}}, 303},
		{"no browser", "site.example", http.Header{}, 303},
	} {
		t.Run(test.name, func(t *testing.T) {
			form := validForm()
			form.Set("favourite_food", food.NewToken())
			r := request(t, "POST", p.url+"/simpleform", strings.NewReader(form.Encode()))
			r.Host, r.Header = test.host, test.header
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			a := send(t, r)
			wantStatus(t, a, test.want)
			if test.want == http.StatusForbidden {
				wantBody(t, a, "came from another site")
			}
			stored := strings.Contains(get(t, p.url+"/submissions").body, form.Get("favourite_food"))
			if stored != (test.want == http.StatusSeeOther) {
				t.Errorf("stored = %t after %d", stored, a.StatusCode)
			}
		})
	}
}

func TestOtherMethodsAreRefusedWithWhatIsAllowed(t *testing.T) {
	p := startReady(t, embedded(t))
	for _, test := range []struct{ method, path, allow string }{
		{"POST", "/", "GET, HEAD"}, {"DELETE", "/simpleform", "GET, HEAD, POST"}, {"PUT", "/ping", "GET, HEAD"},
		{"FOO", "/static/x.y.css", "GET, HEAD"}, {"POST", "/submissions", "GET, HEAD"},
		{"POST", "/results", "GET, HEAD"},
	} {
		a := send(t, request(t, test.method, p.url+test.path, nil))
		wantStatus(t, a, http.StatusMethodNotAllowed)
		if got := a.Header.Get("Allow"); got != test.allow {
			t.Errorf("%s %s: Allow = %q, want %q", test.method, test.path, got, test.allow)
		}
		wantBody(t, a, "</html>")
	}
}

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	p := startReady(t, embedded(t))
	for _, a := range []answer{
		get(t, p.url+"/"), get(t, p.url+"/nowhere"), get(t, p.url+"/ping"), get(t, p.url+"/static/favicon.0.svg"),
		post(t, p, validForm()), post(t, p, nil), postBody(t, p, "text/plain", nil), send(t, request(t, "PUT", p.url+"/", nil)),
		get(t, p.url+"//simpleform"),
	} {
		csp := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: Content-Security-Policy = %q", a.Request.URL.Path, csp)
		}
		for _, name := range []string{"X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy", "Cross-Origin-Resource-Policy", "Cache-Control"} {
			if a.Header.Get(name) == "" {
				t.Errorf("%s %s: no %s", a.Request.Method, a.Request.URL.Path, name)
			}
		}
	}
	// A browser sends Sec-Fetch-Site over https. Over http it reports Cross-Origin-Opener-Policy as an error.
	for _, fetchSite := range []string{"", "none", "cross-site"} {
		r := request(t, "GET", p.url+"/", nil)
		if fetchSite != "" {
			r.Header.Set("Sec-Fetch-Site", fetchSite)
		}
		if got := send(t, r).Header.Get("Cross-Origin-Opener-Policy"); (got == "same-origin") != (fetchSite != "") {
			t.Errorf("with Sec-Fetch-Site %q: Cross-Origin-Opener-Policy = %q", fetchSite, got)
		}
	}
	if a := get(t, p.url+"/"); regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son\w+=`).MatchString(a.body) {
		t.Error("an inline script or style that the policy forbids")
	}
}

func TestStaticFiles(t *testing.T) {
	p := startReady(t, embedded(t))
	home := get(t, p.url+"/")
	links := regexp.MustCompile(`/static/[^"]+`).FindAllString(home.body, -1)
	if len(links) == 0 {
		t.Fatal("the home page links no static file")
	}
	for _, link := range links {
		r := request(t, "GET", p.url+link, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		a := send(t, r)
		wantStatus(t, a, 200)
		if got := a.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control = %q", link, got)
		}
		if got := a.Header.Get("Content-Encoding"); got != "gzip" && len(a.body) > 1000 {
			t.Errorf("%s: %d bytes, Content-Encoding = %q, want gzip", link, len(a.body), got)
		}
	}
	// A page of another version, while both run.
	other := get(t, p.url+regexp.MustCompile(`\.[0-9a-f]+\.`).ReplaceAllString(links[0], ".000000000000."))
	wantStatus(t, other, 200)
	if got := other.Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("another version's file: Cache-Control = %q, want no-cache", got)
	}
}

// raw sends bytes as they are and returns the status line of the answer, "" if there is none.
func raw(t *testing.T, p *program, pieces ...string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	for _, piece := range pieces {
		if _, err := io.WriteString(conn, piece); err != nil {
			break // it hung up, as it may
		}
	}
	conn.(*net.TCPConn).CloseWrite()
	reply, _ := io.ReadAll(conn)
	line, _, _ := strings.Cut(string(reply), "\r\n")
	return line
}

func TestRubbishOnTheWire(t *testing.T) {
	p := startReady(t, embedded(t))
	for _, test := range []struct {
		name, sent, want string
	}{
		{"out of the static folder", "GET /static/../config.go HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 307 Temporary Redirect"},
		{"escaped out of it", "GET /static/..%2fconfig.go HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 Not Found"},
		{"half a body", "POST /simpleform HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nfirst_name=A", "HTTP/1.1 400 Bad Request"},
		{"no HTTP", "\x16\x03\x01\x02\x00\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		{"endless headers", "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 1<<16) + "\r\n\r\n", "HTTP/1.1 431 Request Header Fields Too Large"},
	} {
		if got := raw(t, p, test.sent); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	wantStatus(t, get(t, p.url+"/"), 200)
}

func TestHeadersSentByteByByteDoNotHoldAConnection(t *testing.T) {
	p := startReady(t, embedded(t))
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() {
		for _, c := range []byte("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: 0123456789abcdef\r\n\r\n") {
			if _, err := conn.Write([]byte{c}); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}()
	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	if reply, err := io.ReadAll(conn); err != nil || strings.Contains(string(reply), "200 OK") {
		t.Errorf("reply = %.100q, %v, want the connection closed without a page", reply, err)
	}
	wantStatus(t, get(t, p.url+"/"), 200)
}

// Submissions are in the results at once, and all spellings of a food count together.
func TestResults(t *testing.T) {
	for _, storage := range storages {
		t.Run(storage.name, func(t *testing.T) {
			environ := storage.environ(t)
			p := startReady(t, with(environ, "TZ", "Asia/Kathmandu"))
			wantBody(t, get(t, p.url+"/results"), "Nothing has been stored yet", `href="/simpleform"`)
			for i, favourite := range []string{"Pizza", " pizza ", "PIZZA", "pizza", `<b>"Stew"</b> & 'more'`, "cre\u0300me", "cr\u00e8me"} {
				form := validForm()
				form.Set("favourite_food", favourite)
				form.Set("country", []string{"GB", "SG"}[i%2])
				wantStatus(t, post(t, p, form), 303)
				shown := html.EscapeString(strings.TrimSpace([]string{"Pizza", "PIZZA", "PIZZA", "pizza", favourite, "cr\u00e8me", "cr\u00e8me"}[i]))
				if i != 1 && i != 2 { // while it is a tie, any will do
					wantBody(t, get(t, p.url+"/results"), "<bdi>"+shown+"</bdi>")
				}
			}
			a := get(t, p.url+"/results?top=0&days="+strings.Repeat("9", 10_000)+"&zone=%ff%00")
			wantStatus(t, a, 200)
			kathmandu := time.FixedZone("", 5*3600+45*60)
			rows := regexp.MustCompile(`<th scope="row">(?:<bdi>)?([^<]*)(?:</bdi>)?</th><td>(?:.*?<span>)?([0-9,]+)`).FindAllStringSubmatch(a.body, -1)
			var got []string
			for _, row := range rows {
				got = append(got, html.UnescapeString(row[1])+" "+row[2])
			}
			want := []string{"pizza 4", "cr\u00e8me 2", `<b>"Stew"</b> & 'more' 1`, "United Kingdom 4", "Singapore 3"}
			if len(got) != 35 || !slices.Equal(got[:5], want) {
				t.Errorf("%d rows of figures, the first are %q, want %q and 30 days", len(got), got[:min(5, len(got))], want)
			}
			if now := time.Now().In(kathmandu); now.Hour() > 0 && got[len(got)-1] != now.Format("January 2")+" 7" {
				t.Errorf("the last day is %q, want %s with 7", got[len(got)-1], now.Format("January 2"))
			}
			wantBody(t, a, "<polyline", `role="img"`, "The last 30 days")
		})
	}
}
