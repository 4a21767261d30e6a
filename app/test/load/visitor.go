package load

import (
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

type visitor struct {
	load   *Load
	number int
	conn   connection
	sent   time.Time     // when the last request was
	took   time.Duration // how long it waited for its answer
	again  bool          // the visitor sends the form again, also after the end of the load
}

// live opens the home page one to five times, then submits the form, and repeats that until the
// load stops. The number of home pages is random. The visitors take turns. If each visitor's number
// of home pages were fixed, there would be pauses of 3 s in which no turn is a submission. These
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

var visits = regexp.MustCompile(`Visits: (\d+)`)

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
	// WentBack is the cause of a failure: a home page showed a number that other pages had passed
	// more than a second before.
	WentBack = "GET / with a number from more than a second before"
)

// request sends a request when it is due. ok tells whether the answer has the wanted status. If it
// has not, request counts a failure, unless the method slow returns true for the answer. more tells
// whether the load goes on. After its end, only a form that the visitor sends again is sent.
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
	case v.slow(answer):
	case answer.status != want:
		v.failed(fmt.Sprintf("%s %s = %d", method, route, answer.status))
	default:
		return answer, true, true
	}
	return answer, false, true
}

// send sends a request when it is due, through the address that the visitor uses then.
func (v *visitor) send(method, path, body string) (a answer, more bool, err error) {
	if _, more = <-v.load.turns; !more && !v.again {
		return a, false, nil
	}
	if address := v.load.address(v.number); address != v.conn.address {
		v.conn.close()
		v.conn.address = address
	}
	v.sent = time.Now()
	a, err = v.conn.do(method, path, body)
	v.took = time.Since(v.sent)
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
