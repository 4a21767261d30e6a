package testsite

import (
	"testing"
	"time"
)

// patience is how long Eventually waits. A machine that is busy with other tests may need it.
const patience = 30 * time.Second

// Eventually waits until ok returns nil. It ends the test if that takes too long.
func Eventually(t testing.TB, what string, ok func() error) {
	t.Helper()
	Within(t, patience, what, ok)
}

// Within is Eventually with a limit of its own.
func Within(t testing.TB, limit time.Duration, what string, ok func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %v", what, limit, err)
		}
		time.Sleep(pause)
	}
}
