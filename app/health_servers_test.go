//go:build servers

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"simpleapp/internal/testsite"
	"simpleapp/internal/visits"
	"simpleapp/internal/web"
)

// Redis hangs. The errors of the pings differ, and the outage is logged once. Then Redis resumes,
// and that is logged once, too.
func TestOutageOfAHungServerIsLoggedOnce(t *testing.T) {
	out := &logs{}
	redis := visits.RedisConfig{Addr: redisServer.Addr,
		Password: func() (string, error) { return redisServer.Password, nil }}
	counter := visits.OpenRedis(redis, testsite.Quiet, func(int) {})
	t.Cleanup(func() { counter.Close(context.Background()) })

	var mu sync.Mutex
	var failures []string
	cache := &dependency{name: "cache", hint: visits.Hint, ping: func(ctx context.Context) error {
		err := counter.CanCount(ctx)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failures = append(failures, err.Error())
		}
		return err
	}}
	stop := (&health{dependencies: []*dependency{cache}}).watch(newLogger(out, 0), web.NewMetrics())
	defer stop()
	const connected = `"cache connected"`
	awaitConnected := func(times int) {
		t.Helper()
		eventually(t, "the log says that Redis answers", func() error {
			if n := strings.Count(out.String(), connected); n < times {
				return fmt.Errorf("%d lines say so, want %d", n, times)
			}
			return nil
		})
	}
	awaitConnected(1)

	resume := testsite.Hang(t, redisServer)
	eventually(t, "several pings have failed", func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(failures) < 3 {
			return fmt.Errorf("%d pings have failed", len(failures))
		}
		return nil
	})
	resume()
	awaitConnected(2)
	stop()

	mu.Lock()
	defer mu.Unlock()
	if failures = slices.Compact(failures); len(failures) < 2 {
		t.Errorf("the errors are %q, want them to differ", failures)
	}
	log := out.String()
	if n := strings.Count(log, `"cache is unavailable"`); n != 1 {
		t.Errorf("the outage is logged %d times, want once:\n%s\n%q", n, log, failures)
	}
	if n := strings.Count(log, connected); n != 2 {
		t.Errorf("%d log lines say that Redis answers, want 2:\n%s", n, log)
	}
}
