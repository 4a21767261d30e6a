package load

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	// measureEvery is how often the load looks at the machine that it runs on.
	measureEvery = 100 * time.Millisecond
	// standstill is the shortest pause that counts as one of the machine. The site shares the cores
	// with the load, so it may itself be the reason of a shorter one.
	standstill = time.Second
)

// measure notes how long this machine pauses, and how long its disk takes to write, until the
// visitors have finished. With that, a report tells a fault of the site from one of the machine.
// The disk is the one of temporary files.
func (l *Load) measure(t testing.TB) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "block"))
	if err != nil {
		t.Fatal(err)
	}
	l.measured.Go(func() {
		for range l.ticks {
			l.mu.Lock()
			l.beat()
			l.mu.Unlock()
		}
	})
	l.measured.Go(func() {
		defer file.Close()
		block := make([]byte, 4096)
		for range l.ticks {
			began := time.Now()
			_, err := file.WriteAt(block, 0)
			if err == nil {
				err = file.Sync()
			}
			if err != nil {
				t.Errorf("measure the disk: %v", err)
				return
			}
			l.mu.Lock()
			l.report.Write = max(l.report.Write, time.Since(began))
			l.mu.Unlock()
		}
	})
}

// ticks yields each measureEvery until the visitors have finished.
func (l *Load) ticks(yield func() bool) {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.left:
			return
		case <-tick.C:
			if !yield() {
				return
			}
		}
	}
}

// beat notes that the machine runs. If the machine has paused for longer than standstill, beat
// moves l.confirmed later by the length of the pause, because the site could confirm nothing
// meanwhile. Time that the disk takes still counts, because the site itself may keep the disk busy.
// The caller holds mu.
func (l *Load) beat() {
	now := time.Now()
	pause := now.Sub(l.beaten)
	l.beaten = now
	l.report.Pause = max(l.report.Pause, pause)
	if pause > standstill {
		l.confirmed = l.confirmed.Add(pause)
		if l.confirmed.After(now) { // the last one was confirmed after the last beat
			l.confirmed = now
		}
	}
}
