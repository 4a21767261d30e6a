package load

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"simpleapp/internal/testsite"
)

const (
	// slowTime is the shortest time after which the site says that its database is slow: the
	// timeout of a batch. It answers at once if it is stopping, or if the database refuses the
	// submission.
	slowTime = 3 * time.Second
	// patience is how long a visitor sends a form again to a site that is slow.
	patience = 20 * time.Second
)

// submission opens the form, submits it, and opens the page that confirms it. It tells whether the
// load goes on.
func (v *visitor) submission() (more bool) {
	form, ok, more := v.request(http.MethodGet, "/simpleform", "", http.StatusOK)
	if !ok {
		return more
	}
	token := testsite.Token(form.body)
	if token == "" {
		v.load.mu.Lock()
		defer v.load.mu.Unlock()
		v.failed("GET /simpleform without a token")
		return true
	}
	answers := testsite.Form()
	answers.Set("token", token)
	answers.Set("first_name", "Zoë")
	answers.Set("last_name", "O'Brien")
	answers.Set("favourite_food", "Pie "+rand.Text())
	stored, ok, more := v.submit(token, answers.Encode())
	if ok {
		_, _, more = v.request(http.MethodGet, stored.location, "", http.StatusOK)
	}
	return more
}

// submit sends a form. A visitor who gets no confirmation gives up, or sends the same form twice
// more. If the site is slow, each visitor sends it again, as the site asks. If the site confirms it
// then, no request has failed.
func (v *visitor) submit(token, form string) (stored answer, ok, more bool) {
	began, slow, tries := time.Now(), 0, 1
	if v.number%4 < 2 {
		tries = 3
	}
	for more = true; more && !ok && tries > 0; {
		stored, ok, more = v.post(token, form)
		v.again = v.slow(stored) && time.Since(began) < patience
		if v.slow(stored) {
			slow++
		}
		if !v.again {
			tries--
		}
	}
	v.load.mu.Lock()
	defer v.load.mu.Unlock()
	if slow > 0 && ok {
		v.load.report.Slow++
		return stored, ok, more
	}
	for range slow {
		v.failed("POST /simpleform = 503, because the database is slow")
	}
	return stored, ok, more
}

// slow tells whether an answer says that the database was too slow to store a submission. A busy
// disk is a reason of that.
func (v *visitor) slow(a answer) bool {
	return a.status == http.StatusServiceUnavailable && v.took >= slowTime &&
		strings.Contains(a.body, "submit them again in a moment")
}

// post sends a form, and records what the site says of it. While a form is in flight, its token is
// unknown. A confirmation makes it known. A refusal, or a form that was not sent, makes it known
// only if no earlier try is unknown.
func (v *visitor) post(token, form string) (stored answer, ok, more bool) {
	r := &v.load.report
	v.load.mu.Lock()
	if !v.load.submitted {
		v.load.submitted, v.load.confirmed = true, time.Now()
	}
	unknown := r.UnknownSubmissions[token]
	r.UnknownSubmissions[token] = true
	v.load.mu.Unlock()

	stored, ok, more = v.request(http.MethodPost, "/simpleform", form, http.StatusSeeOther)

	v.load.mu.Lock()
	defer v.load.mu.Unlock()
	refused := strings.Contains(stored.body, "Your answers were not stored this time")
	if ok || !unknown && (refused || !more) {
		delete(r.UnknownSubmissions, token)
	}
	if more {
		delete(r.Refused, token)
	}
	switch {
	case ok:
		r.Confirmed[token] = true
		v.load.gap()
		if !strings.HasPrefix(stored.location, "/simpleform/success") {
			v.failed("POST /simpleform redirects to " + stored.location)
		}
	case refused && !unknown:
		r.Refused[token] = true
	}
	return stored, ok, more
}
