package testsite

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/database"
)

// Client does not follow redirects, so that a test sees each answer.
var Client = &http.Client{
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
	a, err := do(Client, r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func do(client *http.Client, r *http.Request) (a Answer, err error) {
	resp, err := client.Do(r)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return Answer{resp, string(body)}, err
}

// Get returns the answer to a GET request.
func Get(t testing.TB, url string) Answer {
	t.Helper()
	return Send(t, Request(t, http.MethodGet, url, nil))
}

// TryGet returns the body of a page of a site that may not answer yet.
func TryGet(url string) (string, error) {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	a, err := do(Client, r)
	return a.Body, err
}

// Post submits a form to the site at an address such as http://127.0.0.1:8080.
func Post(t testing.TB, site string, form url.Values) Answer {
	t.Helper()
	return PostBody(t, site, FormType, strings.NewReader(form.Encode()))
}

// TryPost is Post for a goroutine that is not the test's, or a site that may not answer yet.
func TryPost(site string, form url.Values) (a Answer, err error) {
	r, err := newPost(context.Background(), site, FormType, strings.NewReader(form.Encode()))
	if err != nil {
		return a, err
	}
	return do(Client, r)
}

// Submit submits a form until the answer is not 503, for a minute. The site answers 503 if the disk
// takes some seconds. The form may be sent again, because a token is never stored twice.
func Submit(client *http.Client, site string, form url.Values) (a Answer, err error) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(database.RetryDelay) {
		r, err := newPost(context.Background(), site, FormType, strings.NewReader(form.Encode()))
		if err != nil {
			return a, err
		}
		a, err = do(client, r)
		slow := err == nil && a.StatusCode == http.StatusServiceUnavailable
		if !slow || time.Now().After(deadline) {
			return a, err
		}
	}
}

// Store submits a form as Submit does. An answer that does not say that it is stored is an error.
func Store(client *http.Client, site string, form url.Values) (Answer, error) {
	a, err := Submit(client, site, form)
	if err == nil && a.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("POST %s/simpleform = %d, want 303\n%s", site, a.StatusCode, a.Body)
	}
	return a, err
}

// WantStored submits a form as Store does, and fails the test unless it is stored.
func WantStored(t testing.TB, site string, form url.Values) Answer {
	t.Helper()
	a, err := Store(Client, site, form)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// PostBody sends a body of any type to the address of the form.
func PostBody(t testing.TB, site, contentType string, body io.Reader) Answer {
	t.Helper()
	r, err := newPost(t.Context(), site, contentType, body)
	if err != nil {
		t.Fatal(err)
	}
	return Send(t, r)
}

// FormType is the Content-Type of a form.
const FormType = "application/x-www-form-urlencoded"

func newPost(ctx context.Context, site, contentType string, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, site+"/simpleform", body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Origin", site) // without Sec-Fetch-Site, as over plain http to another machine
	return r, nil
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

// Reference returns the reference that a visitor gets in the answer to a stored form.
func Reference(a Answer) string {
	_, reference, _ := strings.Cut(a.Header.Get("Location"), "reference=")
	return reference
}

// Token returns the token of the form in a page, or "" if the page has none.
func Token(page string) string {
	_, rest, _ := strings.Cut(page, `name="token" value="`)
	token, _, _ := strings.Cut(rest, `"`)
	return token
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
