package faults

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// recovery is how long the site may take after a server has come back: two attempts of 4 s, and
// 7 s more for a slow machine.
const recovery = 15 * time.Second

func TestRedisHung(t *testing.T) {
	removeEverything(t)
	app := startApp(t, environ(database.Addr, cache.Addr))
	const waves, visitors, each = 3, 32, 50
	// Without a timeout of its own, a visit would wait 1 s for the command. Only the first visits
	// can wait: after them the counter knows that Redis is down. A pause of the machine makes all
	// visits of a wave late, so the best wave counts.
	var slowest []time.Duration
	for range waves {
		awaitNumber(t, app, "a visit before Redis hangs")
		resume := testsite.Hang(t, cache)
		slowest = append(slowest, visitWithoutNumbers(t, app, visitors, 1))
		resume()
	}
	const limit = 900 * time.Millisecond
	if best := slices.Min(slowest); best >= limit {
		t.Errorf("the slowest visits of the waves took %v, want less than %v in the best wave",
			slowest, limit)
	}

	awaitNumber(t, app, "a visit between the waves")
	resume := testsite.Hang(t, cache)
	visitWithoutNumbers(t, app, visitors, each)
	if err := store(app.Addr, newForm("Pizza")); err != nil {
		t.Errorf("while Redis hangs: %v", err)
	}
	resume()
	const visits = visitors * (waves + each)
	if number := awaitNumber(t, app, "a visit after Redis is back"); number <= visits {
		t.Errorf("after %d visits the number is %d, want more", visits, number)
	}
}

// visitWithoutNumbers lets visitors visit the home page at the same time, each several times. No
// page may have a number. It returns the time of the slowest visit.
func visitWithoutNumbers(
	t *testing.T, app *testserver.App, visitors, each int) (slowest time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var clients sync.WaitGroup
	for range visitors {
		clients.Go(func() {
			for range each {
				start := time.Now()
				status, number, err := visit(app.Addr)
				mu.Lock()
				slowest = max(slowest, time.Since(start))
				mu.Unlock()
				if err != nil || status != http.StatusOK || number != 0 {
					t.Errorf("GET / = %d, number %d, %v, want 200 without a number",
						status, number, err)
				}
			}
		})
	}
	clients.Wait()
	return slowest
}

// awaitNumber waits until the home page shows a number, and returns it.
func awaitNumber(t *testing.T, app *testserver.App, what string) (number int64) {
	t.Helper()
	testsite.Within(t, recovery, what, func() (err error) {
		number, err = numbered(app.Addr)
		return err
	})
	return number
}

func TestMySQLHung(t *testing.T) {
	removeEverything(t)
	app := startApp(t, environ(database.Addr, cache.Addr))
	if err := store(app.Addr, newForm("Soup")); err != nil {
		t.Fatal(err)
	}
	resume := testsite.Hang(t, database)
	var clients sync.WaitGroup
	defer clients.Wait()
	for range 32 {
		clients.Go(func() {
			start := time.Now()
			status, body, err := submit(app.Addr, newForm("寿司 & O'Brien"))
			took := time.Since(start)
			kept := strings.Contains(body, "寿司 &amp; O&#39;Brien")
			if err != nil || status != http.StatusServiceUnavailable || !kept {
				t.Errorf("POST while MySQL hangs = %d, %v, answers kept = %t, want 503 and true",
					status, err, kept)
			}
			const limit = 15 * time.Second // 4 s, and the rest for a slow machine
			if took > limit {
				t.Errorf("POST while MySQL hangs took %v, want at most %v", took, limit)
			}
		})
	}
	for _, path := range []string{"/", "/simpleform"} {
		resp, err := browser.Get("http://" + app.Addr + path)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("GET %s while MySQL hangs = %d, want 200", path, resp.StatusCode)
		}
	}
	clients.Wait()

	resume()
	form := newForm("Pizza")
	testsite.Within(t, recovery, "the form is stored after MySQL is back", func() error {
		return store(app.Addr, form)
	})
	if got := storedRows(t)[form.Get("token")]; got != "Pizza" {
		t.Errorf("the food under the confirmed token = %q, want Pizza", got)
	}
}
