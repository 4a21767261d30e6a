package testsite

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// client does not follow redirects, so that a test sees each answer.
var client = &http.Client{
	Timeout:       20 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// An Answer is a response whose body has been read.
type Answer struct {
	*http.Response
	Body string
}

// Request returns a request that is cancelled when the test ends.
func Request(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Send sends a request and returns its answer.
func Send(t testing.TB, r *http.Request) Answer {
	t.Helper()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{resp, string(body)}
}

// Get returns the answer to a GET request.
func Get(t testing.TB, url string) Answer {
	t.Helper()
	return Send(t, Request(t, http.MethodGet, url, nil))
}

// TryGet returns the body of a page of a site that may not answer yet.
func TryGet(url string) (string, error) {
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// Post submits a form to the site at an address such as http://127.0.0.1:8080.
func Post(t testing.TB, site string, form url.Values) Answer {
	t.Helper()
	const formType = "application/x-www-form-urlencoded"
	return PostBody(t, site, formType, strings.NewReader(form.Encode()))
}

// PostBody sends a body of any type to the address of the form.
func PostBody(t testing.TB, site, contentType string, body io.Reader) Answer {
	t.Helper()
	r := Request(t, http.MethodPost, site+"/simpleform", body)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Origin", site) // without Sec-Fetch-Site, as over plain http to another machine
	return Send(t, r)
}

// WantStatus checks the status of an answer.
func WantStatus(t testing.TB, a Answer, want int) {
	t.Helper()
	if a.StatusCode != want {
		t.Errorf("%s %s = %d, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, want)
	}
}

// WantBody checks that the body of an answer contains each of wants.
func WantBody(t testing.TB, a Answer, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(a.Body, want) {
			t.Errorf("%s %s: no %q in\n%s", a.Request.Method, a.Request.URL.Path, want, a.Body)
		}
	}
}

// VisitNumber returns the number of visits that a page shows, or 0 if the page says that the count
// is unavailable.
func VisitNumber(page string) (int64, error) {
	_, rest, found := strings.Cut(page, "Visits: ")
	if !found {
		return 0, nil
	}
	digits, _, _ := strings.Cut(rest, "<")
	return strconv.ParseInt(digits, 10, 64)
}
