package load

import (
	"fmt"
	"testing"
	"time"
)

// A Report sums up the answers that the visitors got.
type Report struct {
	Visitors  int // each has one request in flight at most
	Requests  int
	HomePages int                // served
	Confirmed map[string]bool    // tokens of the submissions that the site confirmed
	Refused   map[string]bool    // tokens of the submissions that the site said it had not stored
	Failures  map[string]Failure // unexpected answers and broken connections, by cause
	Took      time.Duration
	// Unnumbered is the number of home pages that showed "Visits unavailable". They do so when
	// Redis takes longer than 250 ms, for instance while another program keeps the disk busy. The
	// others showed a number. If it was not their own, Failures counts them, too.
	Unnumbered int
	// Slow is the number of submissions that were confirmed, but only after the site had said that
	// its database was slow. These answers do not count as failures.
	Slow int
	// These requests got no answer: they may have been processed or not.
	UnknownVisits      int
	UnknownSubmissions map[string]bool
	// Lost is the number of requests that failed on an address that Through no longer lists. They
	// do not count as failures, because the connection to a machine that dies breaks, whatever the
	// site does.
	Lost int
	// FailedPages is the number of home pages that failed, KeptPages how many of them did so on a
	// connection that had carried another request. Such a connection ends at one replica of the
	// app, and breaks when that replica's machine dies.
	FailedPages, KeptPages int
	// Gap is the longest time without a confirmed submission. Pauses of the machine do not count if
	// they are longer than a second.
	Gap time.Duration
	// Pause is the longest time in which the load saw this machine do nothing, Write the longest
	// that the disk took to write and sync 4 KB. Usually Pause is 0.1 s, and Write less. Where they
	// are seconds, a failure may be due to the machine.
	Pause, Write time.Duration
}

// A Failure tells how many requests failed for one cause, and when the first and the last of them
// did, counted from the start of the load.
type Failure struct {
	Count       int
	First, Last time.Duration
}

// Failed returns the number of failed requests.
func (r Report) Failed() (n int) {
	for _, failure := range r.Failures {
		n += failure.Count
	}
	return n
}

// Check compares what the visitors were told with the submissions that were stored before the load,
// and with those that are stored now. Both maps are by token.
func (r Report) Check(t testing.TB, before, now map[string]string) {
	t.Helper()
	wrong := map[string][]string{} // tokens, by what is wrong with them
	add := func(what, token string) { wrong[what] = append(wrong[what], token) }
	for token := range before {
		if _, stored := now[token]; !stored {
			add("were stored before, and are gone", token)
		}
	}
	for token := range r.Confirmed {
		if _, stored := now[token]; !stored {
			add("were confirmed, and are not stored", token)
		}
	}
	for token := range now {
		_, earlier := before[token]
		switch {
		case earlier, r.Confirmed[token], r.UnknownSubmissions[token]:
		case r.Refused[token]:
			add("were refused as not stored, and are stored", token)
		default:
			add("are stored, and were not confirmed", token)
		}
	}
	for what, tokens := range wrong {
		t.Errorf("%d submissions %s, such as %s", len(tokens), what, tokens[0])
	}
}

func (r Report) String() string {
	s := fmt.Sprintf("%d requests in %.0f s (%.0f/s): %d home pages (%d without a number, "+
		"%d failed, %d of these on a kept connection), %d submissions (%d of them after an "+
		"answer that the database was slow), %d requests failed, %d lost with their node, "+
		"at most %.1f s between submissions; this machine paused for at most %.1f s, and its "+
		"disk took at most %.1f s to write 4 KB",
		r.Requests, r.Took.Seconds(), float64(r.Requests)/r.Took.Seconds(), r.HomePages,
		r.Unnumbered, r.FailedPages, r.KeptPages, len(r.Confirmed), r.Slow, r.Failed(), r.Lost,
		r.Gap.Seconds(), r.Pause.Seconds(), r.Write.Seconds())
	for cause, f := range r.Failures {
		s += fmt.Sprintf("\n  %d × %s (%.1f s to %.1f s)", f.Count, cause, f.First.Seconds(),
			f.Last.Seconds())
	}
	return s
}
