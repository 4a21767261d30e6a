package testsite

import (
	"fmt"
	"testing"
	"time"
)

// patience is the timeout of Eventually. It is long, because the machine may be busy with other
// tests.
const patience = 30 * time.Second

// Eventually calls ok until it returns nil. After 30 s it fails the test. what describes the
// condition, and the message begins with it.
func Eventually(t testing.TB, what string, ok func() error) {
	t.Helper()
	Within(t, patience, what, ok)
}

// Within is Eventually with another timeout. A success that comes later is a failure, too.
func Within(t testing.TB, timeout time.Duration, what string, ok func() error) {
	t.Helper()
	began := time.Now()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := ok()
		took := time.Since(began)
		if took > timeout {
			if err == nil {
				err = fmt.Errorf("it took %v", took)
			}
			t.Fatalf("%s: not within %v: %v", what, timeout, err)
		}
		if err == nil {
			return
		}
		time.Sleep(pause)
	}
}
