package deploy

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"simpleapp/test/engine"
	"simpleapp/test/load"
)

// rate is the load in requests a second.
const rate = 200

// underLoad runs an operation while visitors use the site. Then it compares the answers that they
// got with the stored data. If these differ, the test ends.
func (s *stack) underLoad(name string, operation func(*stack)) load.Report {
	s.Helper()
	var report load.Report
	ok := s.TB.(*testing.T).Run(name, func(t *testing.T) {
		s := s.in(t)
		s.awaitReplicas()
		visits, before := s.visits(), s.rows()
		l := load.Start(t, rate, time.Minute, s.address())
		operation(s)
		s.awaitReplicas()
		done := l.Requests()
		engine.Eventually(t, "visitors see the site after "+name, func() error {
			if l.Requests() < done+2*rate {
				return errors.New("too few requests")
			}
			return nil
		})
		report = l.Stop()
		var n int
		// A replica may still keep some visits.
		engine.Eventually(t, "every visit is counted", func() error {
			if n = s.visits() - visits; n < report.HomePages {
				return fmt.Errorf("%d visits are counted, want %d", n, report.HomePages)
			}
			return nil
		})
		if n > report.HomePages+report.UnknownVisits {
			t.Errorf("%d visits are counted, want at most %d for the home pages served, and %d "+
				"for requests without answer", n, report.HomePages, report.UnknownVisits)
		}
		wantCounted(s, s.containers("db")[0])
		report.Check(t, before, s.rows())
	})
	if !ok {
		s.Fatal("the next steps need a site that works")
	}
	return report
}

// withoutFailures runs an operation under load, during which no request may fail, and cache may not
// be replaced. Some pages may lack a number, because the operation itself keeps the disk busy, and
// Redis waits for the disk. Some visitors may have to send their form again, if MySQL waits for it.
func (s *stack) withoutFailures(name string, operation func(*stack)) {
	s.Helper()
	cache := s.containers("cache")
	report := s.underLoad(name, operation)
	if report.Failed() > 0 {
		s.Errorf("%s: %d requests failed, want none", name, report.Failed())
	}
	// A slow answer is the fault of the operation, unless the machine itself was slow: it paused
	// for 500 ms, or its disk took that long for a write. This is far below the 3 s that a
	// batch may take, because a batch needs several writes.
	mostSlow := 0
	if max(report.Pause, report.Write) > 500*time.Millisecond {
		mostSlow = 2 * report.Visitors // two stalls of the disk
	}
	if report.Slow > mostSlow {
		s.Errorf("%s: %d submissions were stored only after an answer that the database was slow, "+
			"want at most %d", name, report.Slow, mostSlow)
	}
	if now := s.containers("cache"); !slices.Equal(now, cache) {
		s.Errorf("%s: the container of cache is %s, want still %s", name, now, cache)
	}
	// A stall of the disk can last longer than 5 % of a short step.
	if most := max(report.HomePages/20, 3*rate/2); report.Unnumbered > most {
		s.Errorf("%s: %d of %d home pages had no number, want at most %d",
			name, report.Unnumbered, report.HomePages, most)
	}
}
