// Package load simulates visitors at a steady rate. Half of them behave like browsers, the others
// open a connection for each request. The package counts every unexpected answer.
package load

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"simpleapp/internal/testsite"
)

// A Report sums up the answers that the visitors got.
type Report struct {
	Requests  int
	HomePages int             // served
	Confirmed map[string]bool // tokens of the submissions that the site confirmed
	Failures  map[string]int  // unexpected answers and broken connections, by cause
	Took      time.Duration
	// Unnumbered is the number of home pages that showed "Visits unavailable". They do so when
	// Redis takes longer than 250 ms, for instance while another program keeps the disk busy. Each
	// other home page showed a number of its own.
	Unnumbered int
	// These requests got no answer, or an unexpected one: they may have been processed or not.
	UnknownVisits      int
	UnknownSubmissions map[string]bool
}

// Failed returns the number of failed requests.
func (r Report) Failed() (n int) {
	for _, count := range r.Failures {
		n += count
	}
	return n
}

func (r Report) String() string {
	s := fmt.Sprintf("%d requests in %.0f s (%.0f/s): "+
		"%d home pages (%d without a number), %d submissions, %d failed",
		r.Requests, r.Took.Seconds(), float64(r.Requests)/r.Took.Seconds(),
		r.HomePages, r.Unnumbered, len(r.Confirmed), r.Failed())
	for cause, n := range r.Failures {
		s += fmt.Sprintf("\n  %d × %s", n, cause)
	}
	return s
}

// A Load is a group of visitors that send requests.
type Load struct {
	address string
	began   time.Time
	stop    chan struct{}
	turns   chan struct{} // one for each request that is due
	done    sync.WaitGroup

	mu      sync.Mutex
	report  Report
	numbers map[string]bool // the visit numbers that home pages showed
}

// Start sends requests to a site, host:port, until Stop is called.
func Start(address string, perSecond int) *Load {
	l := &Load{
		address: address,
		began:   time.Now(),
		stop:    make(chan struct{}),
		turns:   make(chan struct{}),
		numbers: map[string]bool{},
		report: Report{
			Confirmed:          map[string]bool{},
			Failures:           map[string]int{},
			UnknownSubmissions: map[string]bool{},
		},
	}
	l.done.Go(func() {
		defer close(l.turns)
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for {
			select {
			case <-l.stop:
				return
			case <-tick.C:
			}
			select {
			case <-l.stop:
				return
			case l.turns <- struct{}{}:
			}
		}
	})
	// There are enough visitors to keep the rate even if each answer takes a third of a second.
	// Half of them keep their connection.
	for i := range max(4, perSecond/3) {
		v := &visitor{load: l, conn: connection{address: address, keep: i%2 == 0}}
		l.done.Go(v.live)
	}
	return l
}

// Stop waits until every visitor has finished and returns the report.
func (l *Load) Stop() Report {
	close(l.stop)
	l.done.Wait()
	l.report.Took = time.Since(l.began)
	return l.report
}

// Requests returns how many requests have been answered or failed so far.
func (l *Load) Requests() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.report.Requests
}

type visitor struct {
	load *Load
	conn connection
}

// live opens the home page three times, then submits the form, and repeats that until the load
// stops.
func (v *visitor) live() {
	defer v.conn.close()
	for turn := 1; ; turn++ {
		do := v.home
		if turn%4 == 0 {
			do = v.submission
		}
		if !do() {
			return
		}
	}
}

var (
	number     = regexp.MustCompile(`Visits: (\d+)`)
	tokenField = regexp.MustCompile(`name="token" value="([0-9a-f]{32})"`)
)

func (v *visitor) home() bool {
	if _, more := <-v.load.turns; !more {
		return false
	}
	answer, err := v.conn.do(http.MethodGet, "/", "")
	l := v.load
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Requests++
	match := number.FindStringSubmatch(answer.body)
	switch {
	case err != nil:
		l.report.UnknownVisits++
		l.report.Failures["GET /: "+v.conn.cause(err)]++
	case answer.status != http.StatusOK:
		l.report.Failures[fmt.Sprintf("GET / = %d", answer.status)]++
	case match == nil && strings.Contains(answer.body, "Visits unavailable"):
		l.report.HomePages++
		l.report.Unnumbered++
	case match == nil:
		l.report.Failures["GET / with another page"]++
	case l.numbers[match[1]]:
		l.report.HomePages++
		l.report.Failures["GET / with a number that another visitor has"]++
	default:
		l.report.HomePages++
		l.numbers[match[1]] = true
	}
	return true
}

// submission opens the form, sends it, and opens the page that confirms it.
func (v *visitor) submission() bool {
	form, ok, more := v.request(http.MethodGet, "/simpleform", "", http.StatusOK)
	if !ok {
		return more
	}
	match := tokenField.FindStringSubmatch(form.body)
	if match == nil {
		v.failed("GET /simpleform without a token")
		return true
	}
	token := match[1]
	answers := testsite.Form()
	answers.Set("token", token)
	answers.Set("first_name", "Zoë")
	answers.Set("last_name", "O'Brien")
	answers.Set("favourite_food", "Pie "+rand.Text())
	v.load.mu.Lock()
	v.load.report.UnknownSubmissions[token] = true
	v.load.mu.Unlock()
	stored, ok, more := v.request(http.MethodPost, "/simpleform", answers.Encode(),
		http.StatusSeeOther)
	v.load.mu.Lock()
	if ok {
		v.load.report.Confirmed[token] = true
	}
	if ok || !more {
		delete(v.load.report.UnknownSubmissions, token)
	}
	v.load.mu.Unlock()
	if !ok {
		return more
	}
	if !strings.HasPrefix(stored.location, "/simpleform/success") {
		v.failed("POST /simpleform redirects to " + stored.location)
		return true
	}
	_, _, more = v.request(http.MethodGet, stored.location, "", http.StatusOK)
	return more
}

// request sends a request when it is due. ok tells whether the answer has the wanted status. more
// tells whether the load goes on: after its end no request is sent.
func (v *visitor) request(method, path, body string, want int) (answer answer, ok, more bool) {
	if _, more = <-v.load.turns; !more {
		return answer, false, false
	}
	answer, err := v.conn.do(method, path, body)
	v.load.mu.Lock()
	v.load.report.Requests++
	v.load.mu.Unlock()
	route, _, _ := strings.Cut(path, "?")
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

func (v *visitor) failed(cause string) {
	v.load.mu.Lock()
	defer v.load.mu.Unlock()
	v.load.report.Failures[cause]++
}
