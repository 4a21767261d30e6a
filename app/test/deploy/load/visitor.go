package load

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"simpleapp/internal/testsite"
)

type visitor struct {
	load   *Load
	number int
	conn   connection
	sent   time.Time // when the last request was
}

// live opens the home page one to five times, then submits the form, and repeats that until the
// load stops. The number of home pages is random. The visitors take turns, so if it followed from
// the visitor and the round, there would be pauses of 3 s in which no turn is a submission. These
// would look like pauses of the site.
func (v *visitor) live() {
	defer v.conn.close()
	for {
		for range 1 + mathrand.IntN(5) {
			if !v.home() {
				return
			}
		}
		if !v.submission() {
			return
		}
	}
}

var (
	visits     = regexp.MustCompile(`Visits: (\d+)`)
	tokenField = regexp.MustCompile(`name="token" value="([0-9a-f]{32})"`)
)

func (v *visitor) home() bool {
	answer, more, err := v.send(http.MethodGet, "/", "")
	if !more {
		return false
	}
	l := v.load
	l.mu.Lock()
	defer l.mu.Unlock()
	match := visits.FindStringSubmatch(answer.body)
	number := 0
	if match != nil {
		number, _ = strconv.Atoi(match[1])
	}
	switch {
	case err != nil:
		l.report.UnknownVisits++
		v.failedPage("GET /: " + v.conn.cause(err))
	case answer.status != http.StatusOK:
		v.failedPage(fmt.Sprintf("GET / = %d", answer.status))
	case match == nil && strings.Contains(answer.body, "Visits unavailable"):
		l.report.HomePages++
		l.report.Unnumbered++
	case match == nil:
		v.failedPage("GET / with another page")
	case number <= l.floor(v.sent):
		l.report.HomePages++
		v.failed(WentBack)
	case l.numbers[number]:
		l.report.HomePages++
		v.failed(Repeated)
	default:
		l.report.HomePages++
		l.show(number)
	}
	return true
}

const (
	// Repeated is the cause of a failure: two home pages showed the same number.
	Repeated = "GET / with a number that another visitor has"
	// WentBack is the cause of a failure: a home page showed less than others had shown before,
	// by more than the visits of a second.
	WentBack = "GET / with a number from more than a second before"
)

// submission opens the form, sends it, and opens the page that confirms it. A visitor who gets no
// confirmation gives up, or sends the same form twice more.
func (v *visitor) submission() bool {
	form, ok, more := v.request(http.MethodGet, "/simpleform", "", http.StatusOK)
	if !ok {
		return more
	}
	match := tokenField.FindStringSubmatch(form.body)
	if match == nil {
		v.load.mu.Lock()
		defer v.load.mu.Unlock()
		v.failed("GET /simpleform without a token")
		return true
	}
	answers := testsite.Form()
	answers.Set("token", match[1])
	answers.Set("first_name", "Zoë")
	answers.Set("last_name", "O'Brien")
	answers.Set("favourite_food", "Pie "+rand.Text())
	tries := 1
	if v.number%4 < 2 {
		tries = 3
	}
	for range tries {
		stored, ok, more := v.post(match[1], answers.Encode())
		if !more {
			return false
		}
		if ok {
			_, _, more = v.request(http.MethodGet, stored.location, "", http.StatusOK)
			return more
		}
	}
	return true
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

// request sends a request when it is due. ok tells whether the answer has the wanted status. more
// tells whether the load goes on: after its end no request is sent.
func (v *visitor) request(method, path, body string, want int) (answer answer, ok, more bool) {
	answer, more, err := v.send(method, path, body)
	if !more {
		return answer, false, false
	}
	route, _, _ := strings.Cut(path, "?")
	v.load.mu.Lock()
	defer v.load.mu.Unlock()
	switch {
	case err != nil:
		v.failed(method + " " + route + ": " + v.conn.cause(err))
	case answer.status != want:
		v.failed(fmt.Sprintf("%s %s = %d", method, route, answer.status))
	default:
		return answer, true, true
	}
	return answer, false, true
}

// send sends a request when it is due, through the address that the visitor uses then.
func (v *visitor) send(method, path, body string) (a answer, more bool, err error) {
	if _, more = <-v.load.turns; !more {
		return a, false, nil
	}
	if address := v.load.address(v.number); address != v.conn.address {
		v.conn.close()
		v.conn.address = address
	}
	v.sent = time.Now()
	a, err = v.conn.do(method, path, body)
	v.load.mu.Lock()
	defer v.load.mu.Unlock()
	v.load.report.Requests++
	return a, true, err
}

// failed counts a failure. The caller holds mu.
func (v *visitor) failed(cause string) {
	r := &v.load.report
	if !v.load.uses(v.conn.address) {
		r.Lost++
		return
	}
	f, now := r.Failures[cause], time.Since(v.load.began)
	if f.Count == 0 {
		f.First = now
	}
	f.Count, f.Last = f.Count+1, now
	r.Failures[cause] = f
}

func (v *visitor) failedPage(cause string) {
	if v.load.uses(v.conn.address) {
		v.load.report.FailedPages++
		if v.conn.used {
			v.load.report.KeptPages++
		}
	}
	v.failed(cause)
}
