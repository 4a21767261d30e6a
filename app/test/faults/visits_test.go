package faults

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// 3 processes serve 100,000 visits while Redis is killed 10 times and connections fail at random.
// Afterwards Redis has exactly the number of pages served, and no number was shown twice.
func TestVisitsAreExact(t *testing.T) {
	removeEverything(t)
	const total, kills, clients = 100_000, 10, 48
	rng := random(t)
	var apps []*testserver.App
	var stops []func()
	for range 3 {
		proxy := startProxy(t, cache.Addr)
		apps = append(apps, startApp(t, environ(database.Addr, proxy.Listen)))
		stops = append(stops, disturb(t, proxy, rng.Uint64(), 500*time.Millisecond))
	}

	var asked, served, unavailable atomic.Int64
	var mu sync.Mutex
	seen := make(map[int64]bool, total)
	var visitors sync.WaitGroup
	t.Cleanup(visitors.Wait)
	for i := range clients {
		visitors.Go(func() {
			for t.Context().Err() == nil && asked.Add(1) <= total {
				status, number, err := visit(apps[i%len(apps)].Addr)
				if err != nil || status != 200 {
					t.Errorf("GET / = %d, %v, want 200", status, err)
					return
				}
				served.Add(1)
				if number == 0 {
					unavailable.Add(1)
					// Without a pause, all visits would come while Redis is down.
					pause(t.Context(), 20*time.Millisecond)
					continue
				}
				mu.Lock()
				if seen[number] || number < 1 || number > total {
					t.Errorf("visitor number %d, seen before = %t, want 1 to %d, each once",
						number, seen[number], total)
				}
				seen[number] = true
				mu.Unlock()
			}
		})
	}
	for n := range int64(kills) {
		testsite.Within(t, 5*time.Minute, "visits between kills", func() error {
			if got, want := served.Load(), n*total/kills; got <= want && !t.Failed() {
				return fmt.Errorf("%d visits served, want more than %d", got, want)
			}
			return nil
		})
		if err := cache.Stop(); err != nil {
			t.Error(err)
		}
		pause(t.Context(), time.Duration(rng.IntN(300))*time.Millisecond)
		if err := cache.Start(); err != nil {
			t.Fatal(err)
		}
	}
	visitors.Wait()
	for _, stop := range stops {
		stop()
	}
	for _, app := range apps { // an app that stops counts the visits that it has kept
		if err := app.Stop(); err != nil {
			t.Errorf("SIGTERM: %v, want exit 0", err)
		}
	}
	client := cache.RedisClient()
	defer client.Close()
	counted, err := client.Get(t.Context(), "visits").Int64()
	if err != nil || counted != served.Load() || counted != total {
		t.Errorf("Redis has %d visits (%v), %d pages were served, want %d of each",
			counted, err, served.Load(), total)
	}
	t.Logf("%d pages served, %d of them without a number", served.Load(), unavailable.Load())
	if len(seen) == 0 {
		t.Error("no page showed a number, want most of them to")
	}
	if unavailable.Load() == 0 {
		t.Errorf("no page was without a number, want some: Redis was killed %d times", kills)
	}
}
