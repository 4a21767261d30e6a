// Package load simulates visitors at a steady rate. Half of them behave like browsers, the others
// open a connection for each request. The package counts every unexpected answer.
package load

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// A Load is a group of visitors that send requests.
type Load struct {
	timeout time.Duration
	began   time.Time
	end     sync.Once
	stop    chan struct{}
	turns   chan struct{} // one for each request that is due
	done    sync.WaitGroup

	left     chan struct{} // closed when the visitors have finished
	measured sync.WaitGroup

	mu        sync.Mutex
	addresses []string // of the nodes that the visitors use
	report    Report
	numbers   map[int]bool // the visit numbers that home pages showed
	highest   []shown      // each number that was higher than all before it
	// confirmed is when the site last confirmed a submission. Before the first confirmation, it is
	// when a visitor first sent a form. Before that, it is when the load began. A pause of the
	// machine makes it later.
	confirmed time.Time
	submitted bool      // a visitor has sent a submission
	beaten    time.Time // when the machine was last seen to run
}

// shown is a visit number that a home page showed.
type shown struct {
	number int
	at     time.Time
}

// Start sends requests to a site, until Stop is called or the test ends. The log of the test then
// has the report. The site may have several addresses, each host:port. A request without an answer
// fails after the timeout.
func Start(t testing.TB, perSecond int, timeout time.Duration, addresses ...string) *Load {
	l := &Load{
		timeout:   timeout,
		addresses: addresses,
		began:     time.Now(),
		confirmed: time.Now(),
		beaten:    time.Now(),
		stop:      make(chan struct{}),
		left:      make(chan struct{}),
		turns:     make(chan struct{}),
		numbers:   map[int]bool{},
		report: Report{
			Confirmed:          map[string]bool{},
			Refused:            map[string]bool{},
			Failures:           map[string]Failure{},
			UnknownSubmissions: map[string]bool{},
		},
	}
	l.measure(t)
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
	// There are enough visitors to keep the rate even if each answer takes a third of a second, or
	// longer where there are several addresses. Half of them keep their connection.
	l.report.Visitors = max(4, perSecond/3) * len(addresses)
	for i := range l.report.Visitors {
		v := &visitor{load: l, number: i, conn: connection{timeout: timeout, keep: i%2 == 0}}
		l.done.Go(v.live)
	}
	t.Cleanup(func() { t.Log(l.Stop()) })
	return l
}

// Through makes the visitors use these addresses from now on. A request that fails on another
// address is counted as Lost.
func (l *Load) Through(addresses ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addresses = addresses
}

// Stop waits until every visitor has finished and returns the report.
func (l *Load) Stop() Report {
	l.end.Do(func() {
		l.mu.Lock()
		l.gap()
		l.mu.Unlock()
		close(l.stop)
		l.done.Wait()
		close(l.left)
		l.measured.Wait()
		l.report.Took = time.Since(l.began)
	})
	return l.report
}

// Requests returns how many requests have been answered or failed so far.
func (l *Load) Requests() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.report.Requests
}

// Confirmed returns how many submissions have been confirmed so far.
func (l *Load) Confirmed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.report.Confirmed)
}

// address returns the address that a visitor uses now.
func (l *Load) address(visitor int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addresses[visitor%len(l.addresses)]
}

// show notes a visit number. The caller holds mu.
func (l *Load) show(number int) {
	l.numbers[number] = true
	if n := len(l.highest); n == 0 || number > l.highest[n-1].number {
		l.highest = append(l.highest, shown{number, time.Now()})
	}
}

// floor returns the number that a home page must exceed if it was requested at the time asked. It
// is the highest number that was shown more than a second before the latest one. Numbers that were
// shown after asked do not count. A cache that loses its data may lose the visits of its last
// second. The caller holds mu.
func (l *Load) floor(asked time.Time) int {
	var latest time.Time
	for _, s := range slices.Backward(l.highest) {
		switch {
		case s.at.After(asked):
		case latest.IsZero():
			latest = s.at
		case latest.Sub(s.at) > time.Second:
			return s.number
		}
	}
	return 0
}

// uses tells whether the visitors use an address. The caller holds mu.
func (l *Load) uses(address string) bool { return slices.Contains(l.addresses, address) }

// gap ends a time without a confirmed submission. The caller holds mu.
func (l *Load) gap() {
	l.beat() // a visitor may be the first to go on after a pause of the machine
	l.report.Gap = max(l.report.Gap, time.Since(l.confirmed))
	l.confirmed = time.Now()
}
