package deploy

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

// A visitor uses the site like a browser over plain http, but follows no redirects.
type visitor struct {
	testing.TB
	site   string
	client *http.Client
}

func (p *project) visitor() *visitor {
	client := testserver.NewBrowser(30 * time.Second)
	p.Cleanup(client.CloseIdleConnections)
	return &visitor{p, fmt.Sprintf("http://127.0.0.1:%d", p.port), client}
}

// get returns the body of a page, whose status has to be 200.
func (v *visitor) get(path string) string {
	v.Helper()
	resp, err := v.client.Get(v.site + path)
	if err != nil {
		v.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		v.Fatalf("GET %s = %d, %v, want 200\n%s", path, resp.StatusCode, err, body)
	}
	return string(body)
}

// visits returns the number of visits so far. It does not count as a visit. /ping has no number
// while Redis takes longer than 250 ms.
func (v *visitor) visits() (n int) {
	v.Helper()
	engine.Eventually(v, "the visit count", func() error {
		ping := v.get("/ping")
		var answer pong
		if err := json.Unmarshal([]byte(ping), &answer); err != nil || answer.Visits == nil {
			return fmt.Errorf("/ping = %s (%v)", ping, err)
		}
		n = *answer.Visits
		return nil
	})
	return n
}

// answers returns valid answers with a random food and a token of their own.
func answers() url.Values {
	values := testsite.Form()
	values.Set("favourite_food", "Pie "+rand.Text())
	return values
}

// fillIn returns answers with the token of a form.
func fillIn(form string) url.Values {
	values := answers()
	values.Set("token", testsite.Token(form))
	return values
}

// post sends the form.
func (v *visitor) post(values url.Values) (status int, body string) {
	v.Helper()
	resp, err := v.client.PostForm(v.site+"/simpleform", values)
	if err != nil {
		v.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		v.Fatal(err)
	}
	return resp.StatusCode, string(content)
}

// submit submits the form with a random food, which it returns.
func (v *visitor) submit() string {
	v.Helper()
	values := fillIn(v.get("/simpleform"))
	if _, err := testsite.Store(v.client, v.site, values); err != nil {
		v.Fatal(err)
	}
	return values.Get("favourite_food")
}

// submitAndVisit makes a submission and a visit, and returns a check that both are still there,
// exactly once.
func (p *project) submitAndVisit() (checkKept func(after string)) {
	p.Helper()
	v := p.visitor()
	pie := v.submit()
	v.get("/")
	visits := v.visits()
	return func(after string) {
		p.Helper()
		v := p.visitor()
		if n := strings.Count(v.get("/submissions"), pie); n != 1 {
			p.Errorf("after %s the submission is listed %d times, want once", after, n)
		}
		if n := v.visits(); n != visits {
			p.Errorf("after %s %d visits are counted, want %d", after, n, visits)
		}
	}
}
