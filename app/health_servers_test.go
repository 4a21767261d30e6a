//go:build servers

package main

import (
	"context"
	"encoding/json"
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
// and that is logged once, too. A slow disk may cause other outages. So the test only checks that
// the two messages alternate.
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
	const down, up = "cache is unavailable", "cache connected"
	messages := func() (all []string) {
		for line := range strings.Lines(out.String()) {
			var entry struct{ Msg string }
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Fatal(err)
			}
			all = append(all, entry.Msg)
		}
		return all
	}
	awaitLast := func(want string) {
		t.Helper()
		eventually(t, "the last line of the log is "+want, func() error {
			if all := messages(); len(all) == 0 || all[len(all)-1] != want {
				return fmt.Errorf("the lines are %q", all)
			}
			return nil
		})
	}
	awaitLast(up)

	resume := testsite.Hang(t, redisServer)
	mu.Lock()
	failures = nil // those before Redis hung
	mu.Unlock()
	eventually(t, "several pings have failed", func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(failures) < 3 {
			return fmt.Errorf("%d pings have failed", len(failures))
		}
		return nil
	})
	awaitLast(down)
	resume()
	awaitLast(up)
	stop()

	mu.Lock()
	defer mu.Unlock()
	if failures = slices.Compact(failures); len(failures) < 2 {
		t.Errorf("the errors are %q, want them to differ", failures)
	}
	// Two equal lines in a row would mean that one outage, or one recovery, was logged twice.
	if all := messages(); len(slices.Compact(slices.Clone(all))) < len(all) {
		t.Errorf("the messages are %q, want %q and %q in turn:\n%s", all, up, down, out)
	}
}
