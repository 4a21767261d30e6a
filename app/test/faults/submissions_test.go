package faults

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// Each of 1,000 forms is submitted 20 times at once with two favourite foods, while replies of the
// database get lost. Afterwards there are 1,000 rows, and each has the food that visitors were
// told.
func TestSubmissionsAreStoredOnce(t *testing.T) {
	removeEverything(t)
	const tokens, copies, formsAtOnce = 1000, 20, 10
	rng := random(t)
	brokenBefore := brokenConnections(t)
	var apps []*testserver.App
	var stops []func()
	for range 2 {
		proxy := startProxy(t, database.Addr)
		apps = append(apps, startApp(t, environ(proxy.Listen, cache.Addr)))
		stops = append(stops, disturb(t, proxy, rng.Uint64(), 50*time.Millisecond))
	}

	var sent, unconfirmed atomic.Int64
	var mu sync.Mutex
	confirmed := make(map[string]string) // the favourite food by token, as visitors were told
	confirm := func(token, favourite string) {
		mu.Lock()
		defer mu.Unlock()
		if before := confirmed[token]; before != "" && before != favourite {
			t.Errorf("token %s: visitors were told that %s is stored, and that %s is",
				token, before, favourite)
		}
		confirmed[token] = favourite
	}
	// send submits a form until it is confirmed, as a visitor would. The same form is also sent
	// with the favourite food other.
	send := func(addr string, form url.Values, other string) {
		token, favourite := form.Get("token"), form.Get("favourite_food")
		for deadline := time.Now().Add(2 * time.Minute); ; {
			sent.Add(1)
			status, body, err := submit(addr, form)
			switch {
			case err == nil && status == http.StatusSeeOther:
				confirm(token, favourite)
				return
			case err == nil && status == http.StatusConflict && strings.Contains(body, other):
				confirm(token, other)
				return
			case err != nil || status != http.StatusServiceUnavailable,
				!strings.Contains(body, favourite):
				t.Errorf("POST /simpleform = %d, %v, want 303, 409 with the other answers, "+
					"or 503 with the visitor's own", status, err)
				return
			case time.Now().After(deadline):
				t.Errorf("POST /simpleform was not confirmed in 2 min")
				return
			}
			unconfirmed.Add(1)
		}
	}
	var forms sync.WaitGroup
	places := make(chan struct{}, formsAtOnce)
	for range tokens {
		places <- struct{}{}
		forms.Go(func() {
			defer func() { <-places }()
			pizza, soup := newForm("Pizza"), newForm("Soup")
			soup.Set("token", pizza.Get("token"))
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
	for _, stop := range stops {
		stop()
	}
	t.Logf("%d submissions sent, %d of them answered with 503", sent.Load(), unconfirmed.Load())
	if brokenConnections(t) == brokenBefore {
		t.Error("no connection to the database broke, want many")
	}
	rows := storedRows(t)
	if len(rows) != tokens {
		t.Errorf("%d rows, want %d", len(rows), tokens)
	}
	testsite.AwaitTallies(t, database)
	for token, favourite := range confirmed {
		if rows[token] != favourite {
			t.Errorf("token %s: %q is stored, want %q, which was confirmed",
				token, rows[token], favourite)
		}
	}
}

// brokenConnections returns how many connections to the database have ended without a goodbye.
func brokenConnections(t *testing.T) (n int64) {
	t.Helper()
	root := database.Root()
	defer root.Close()
	var name string
	err := root.QueryRow("SHOW GLOBAL STATUS LIKE 'Aborted_clients'").Scan(&name, &n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// storedRows returns the favourite food under each token. It checks that no token is stored twice,
// because the key of the table might not ensure it.
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
