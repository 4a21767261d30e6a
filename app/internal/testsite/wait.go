package testsite

import (
	"testing"
	"time"
)

// patience is the timeout of Eventually. It is long, because the machine may be busy with other
// tests.
const patience = 30 * time.Second

// Eventually calls ok until it returns nil. After 30 s it fails the test with a message that begins
// with what, a description of the condition.
func Eventually(t testing.TB, what string, ok func() error) {
	t.Helper()
	Within(t, patience, what, ok)
}

// Within is Eventually with another timeout.
func Within(t testing.TB, timeout time.Duration, what string, ok func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %v", what, timeout, err)
		}
		time.Sleep(pause)
	}
}
