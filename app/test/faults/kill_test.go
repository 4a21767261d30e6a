package faults

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// Apps, MySQL and Redis are killed 100 times in all while visitors visit and submit. Afterwards
// every confirmed submission is stored once, and no two visitors have seen the same number.
func TestConfirmedSubmissionsSurviveKills(t *testing.T) {
	removeEverything(t)
	const kills, submitters, visitors = 100, 16, 8
	rng := random(t)
	var apps [2]atomic.Pointer[testserver.App]
	start := func(i int) error {
		app, err := testserver.StartApp(binary, environ(database.Addr, cache.Addr)...)
		if err == nil {
			apps[i].Store(app)
		}
		return err
	}
	for i := range apps {
		if err := start(i); err != nil {
			t.Fatal(err)
		}
		defer func() { apps[i].Load().Kill() }()
	}

	var over atomic.Bool
	var tried, confirmed atomic.Int64
	var mu sync.Mutex
	foods := make(map[string]string) // confirmed favourite foods by token
	seen := make(map[int64]bool)     // numbers that visitors have seen
	var clients sync.WaitGroup
	defer clients.Wait()
	defer over.Store(true)
	for i := range submitters {
		clients.Go(func() {
			for n := 0; !over.Load(); n++ {
				form := newForm(fmt.Sprintf("Pizza %d of %d", n, i))
				for !over.Load() { // the visitor submits again until it is confirmed
					tried.Add(1)
					status, _, err := submit(apps[(i+n)%len(apps)].Load().Addr, form)
					if err == nil && status == http.StatusSeeOther {
						confirmed.Add(1)
						mu.Lock()
						foods[form.Get("token")] = form.Get("favourite_food")
						mu.Unlock()
						break
					}
					if err == nil && status != http.StatusServiceUnavailable {
						t.Errorf("POST /simpleform = %d, want 303 or 503", status)
					}
					pause(t.Context(), 20*time.Millisecond)
				}
			}
		})
	}
	for i := range visitors {
		clients.Go(func() {
			for !over.Load() {
				status, number, err := visit(apps[i%len(apps)].Load().Addr)
				if err == nil && status != http.StatusOK {
					t.Errorf("GET / = %d, want 200", status)
				}
				if err == nil && number > 0 {
					mu.Lock()
					if seen[number] {
						t.Errorf("two visitors have seen the number %d", number)
					}
					seen[number] = true
					mu.Unlock()
				}
				pause(t.Context(), 5*time.Millisecond)
			}
		})
	}

	for range kills {
		// The next kill may come at once, before another submission is confirmed.
		enough := confirmed.Load() + rng.Int64N(200)
		testsite.Within(t, 5*time.Minute, "submissions between kills", func() error {
			if n := confirmed.Load(); n < enough {
				return fmt.Errorf("%d are confirmed, want %d", n, enough)
			}
			return nil
		})
		var err error
		switch victim := rng.IntN(4); victim {
		case 0, 1:
			err = errors.Join(apps[victim].Load().Kill(), start(victim))
		case 2:
			err = errors.Join(database.Stop(), database.Start())
		case 3:
			err = errors.Join(cache.Stop(), cache.Start())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	over.Store(true)
	clients.Wait()

	testsite.AwaitTallies(t, database)
	rows := storedRows(t)
	for token, favourite := range foods {
		if rows[token] != favourite {
			t.Errorf("token %s: %q is stored, want %q, which was confirmed",
				token, rows[token], favourite)
		}
	}
	client := cache.RedisClient()
	defer client.Close()
	total, err := client.Get(t.Context(), "visits").Int64()
	if err != nil {
		t.Error(err)
	}
	if len(seen) == 0 {
		t.Error("no page showed a number, want most of them to")
	}
	for number := range seen {
		if number > total {
			t.Errorf("a visitor has seen the number %d, want at most %d", number, total)
		}
	}
	t.Logf("%d submissions confirmed in %d tries, %d rows; %d numbers seen, %d visits counted",
		len(foods), tried.Load(), len(rows), len(seen), total)
}
