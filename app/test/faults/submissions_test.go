package faults

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/testserver"
)

// 1,000 forms, each submitted 20 times at once with two sets of answers, while answers of the
// database get lost: 1,000 rows, and whatever a visitor was told is so.
func TestSubmissionsAreStoredOnce(t *testing.T) {
	empty(t)
	const tokens, copies, atOnce = 1000, 20, 10
	rng := random(t)
	var apps []*testserver.App
	var calm []func()
	for range 2 {
		proxy := startProxy(t, database.Addr)
		apps = append(apps, startApp(t, environ(proxy.Listen, cache.Addr)))
		calm = append(calm, disturb(t, proxy, rng.Uint64(), 50*time.Millisecond))
	}

	var sent, unanswered atomic.Int64
	var mu sync.Mutex
	stands := make(map[string]string) // what visitors were told, by token
	told := func(token, favourite string) {
		mu.Lock()
		defer mu.Unlock()
		if before := stands[token]; before != "" && before != favourite {
			t.Errorf("token %s: %s stands, and %s", token, before, favourite)
		}
		stands[token] = favourite
	}
	// send submits until there is an answer, as a visitor would.
	send := func(addr string, sub food.Submission, other string) {
		for deadline := time.Now().Add(2 * time.Minute); ; {
			sent.Add(1)
			status, body, err := submit(addr, sub)
			switch {
			case err == nil && status == http.StatusSeeOther:
				told(sub.Token, sub.FavouriteFood)
				return
			case err == nil && status == http.StatusConflict && strings.Contains(body, other):
				told(sub.Token, other)
				return
			case err != nil || status != http.StatusServiceUnavailable || !strings.Contains(body, sub.FavouriteFood):
				t.Errorf("POST = %d, %v, want 303, 409 with the other answers, or 503 with the visitor's own", status, err)
				return
			case time.Now().After(deadline):
				t.Errorf("POST: never confirmed")
				return
			}
			unanswered.Add(1)
		}
	}
	var forms sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for range tokens {
		places <- struct{}{}
		forms.Go(func() {
			defer func() { <-places }()
			pizza, soup := submission("Pizza"), submission("Soup")
			soup.Token = pizza.Token
			var group sync.WaitGroup
			for i := range copies {
				addr := apps[i%len(apps)].Addr
				if i%5 < 3 {
					group.Go(func() { send(addr, pizza, "Soup") })
				} else {
					group.Go(func() { send(addr, soup, "Pizza") })
				}
			}
			group.Wait()
		})
	}
	forms.Wait()
	for _, stop := range calm {
		stop()
	}
	t.Logf("%d submissions sent, %d of them answered that they might not be stored", sent.Load(), unanswered.Load())
	rows := storedRows(t)
	if len(rows) != tokens {
		t.Errorf("%d rows, want %d", len(rows), tokens)
	}
	wellCounted(t)
	for token, favourite := range stands {
		if rows[token] != favourite {
			t.Errorf("token %s: visitors were told that %s stands, stored is %q", token, favourite, rows[token])
		}
	}
}

// wellCounted checks that the results are what the rows add up to, once what is in the log is folded.
func wellCounted(t *testing.T) {
	t.Helper()
	var wrong []string
	var err error
	defer func() {
		if wrong != nil {
			t.Logf("the results: %s", wrong)
		}
	}()
	waitFor(t, time.Minute, "the results to be what the rows add up to", func() bool {
		wrong, err = database.Miscounted(testserver.Database)
		return err != nil || wrong == nil
	})
	if err != nil {
		t.Errorf("compare the results with the rows: %v", err)
	}
}

// storedRows returns the favourite food stored under each token. That no token is there twice is
// checked, not trusted to the table's key.
func storedRows(t *testing.T) map[string]string {
	t.Helper()
	root := database.Root()
	defer root.Close()
	rows, err := root.Query("SELECT token, favourite_food FROM submissions")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	stored := make(map[string]string)
	for rows.Next() {
		var token, favourite string
		if err := rows.Scan(&token, &favourite); err != nil {
			t.Fatal(err)
		}
		if _, twice := stored[token]; twice {
			t.Errorf("token %s is stored twice", token)
		}
		stored[token] = favourite
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return stored
}
