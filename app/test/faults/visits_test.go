package faults

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/testserver"
)

// 100,000 visits over 3 processes, while Redis is killed 10 times and connections fail at random:
// Redis holds exactly the number of pages served, and no number was shown twice.
func TestVisitsAreExact(t *testing.T) {
	empty(t)
	const total, kills, clients = 100_000, 10, 48
	rng := random(t)
	var apps []*testserver.App
	var calm []func()
	for range 3 {
		proxy := startProxy(t, cache.Addr)
		apps = append(apps, startApp(t, environ(database.Addr, proxy.Listen)))
		calm = append(calm, disturb(t, proxy, rng.Uint64(), 500*time.Millisecond))
	}

	var asked, served, unavailable atomic.Int64
	var mu sync.Mutex
	seen := make(map[int64]bool, total)
	var load sync.WaitGroup
	for i := range clients {
		load.Go(func() {
			for asked.Add(1) <= total {
				status, number, err := visit(apps[i%len(apps)].Addr)
				if err != nil || status != 200 {
					t.Errorf("GET / = %d, %v, want 200", status, err)
					return
				}
				served.Add(1)
				if number == 0 {
					unavailable.Add(1)
					pause(t.Context(), 20*time.Millisecond) // or all would pass while Redis is away
					continue
				}
				mu.Lock()
				if seen[number] || number < 1 || number > total {
					t.Errorf("visitor number %d, seen before: %v", number, seen[number])
				}
				seen[number] = true
				mu.Unlock()
			}
		})
	}
	for n := range int64(kills) {
		waitFor(t, time.Minute, "visits between kills", func() bool {
			return served.Load() > n*total/kills || t.Failed()
		})
		if err := cache.Stop(); err != nil {
			t.Error(err)
		}
		pause(t.Context(), time.Duration(rng.IntN(300))*time.Millisecond)
		if err := cache.Start(); err != nil {
			t.Fatal(err)
		}
	}
	load.Wait()
	for _, stop := range calm {
		stop()
	}
	for _, app := range apps { // which counts what they keep
		if err := app.Stop(); err != nil {
			t.Errorf("SIGTERM: %v, want exit 0", err)
		}
	}
	client := cache.RedisClient()
	defer client.Close()
	counted, err := client.Get(t.Context(), "visits").Int64()
	if err != nil || counted != served.Load() || counted != total {
		t.Errorf("Redis holds %d visits, %v; %d pages were served of %d asked for", counted, err, served.Load(), total)
	}
	t.Logf("%d pages served, %d of them without a number", served.Load(), unavailable.Load())
}
