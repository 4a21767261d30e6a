package e2e

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/testserver"
)

// The embedded storage under kill -9, again and again: what a visitor was told is there.
func TestTheEmbeddedStorageSurvivesKill9(t *testing.T) {
	dir := t.TempDir()
	client := &http.Client{Transport: &testserver.Browser{RoundTripper: http.DefaultTransport}, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	badge := regexp.MustCompile(`Visits: (\d+)`)

	var mu sync.Mutex
	confirmed := make(map[string]bool) // tokens
	lastVisit := int64(0)
	for round := range 5 {
		app, err := testserver.StartApp(binary, "DATA_DIR="+dir)
		if err != nil {
			t.Fatal(err)
		}
		address := "http://" + app.Addr
		enough := make(chan struct{})
		var once sync.Once
		var clients sync.WaitGroup
		for c := range 16 {
			clients.Go(func() {
				for n := 0; ; n++ {
					token := food.NewToken()
					resp, err := client.PostForm(address+"/simpleform", url.Values{"token": {token},
						"first_name": {fmt.Sprint(round)}, "last_name": {fmt.Sprint(c)}, "favourite_food": {fmt.Sprint(n)},
						"country": {"SG"}, "pledge": {"yes"}})
					if err != nil {
						return // killed
					}
					resp.Body.Close()
					if resp.StatusCode != http.StatusSeeOther {
						t.Errorf("POST /simpleform = %d, want 303", resp.StatusCode)
					}
					home, err := client.Get(address + "/")
					if err != nil {
						return
					}
					body, err := io.ReadAll(home.Body)
					home.Body.Close()
					if err != nil {
						return
					}
					mu.Lock()
					confirmed[token] = true
					if match := badge.FindSubmatch(body); match != nil {
						visit, _ := strconv.ParseInt(string(match[1]), 10, 64)
						lastVisit = max(lastVisit, visit)
					}
					if len(confirmed) >= 200*(round+1) {
						once.Do(func() { close(enough) })
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		if err := app.Kill(); err != nil {
			t.Fatal(err)
		}
		clients.Wait()
	}

	app, err := testserver.StartApp(binary, "DATA_DIR="+dir)
	if err != nil {
		t.Fatal(err)
	}
	defer app.Kill()
	home, err := client.Get("http://" + app.Addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(home.Body)
	home.Body.Close()
	match := badge.FindSubmatch(body)
	if match == nil {
		t.Fatalf("no visits on the home page:\n%s", body)
	}
	if visit, _ := strconv.ParseInt(string(match[1]), 10, 64); visit <= lastVisit {
		t.Errorf("visit %d after visit %d was shown", visit, lastVisit)
	}
	store, err := food.OpenSQLite(filepath.Join(dir, "submissions.db"), slog.New(slog.DiscardHandler), func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close(t.Context())
	rows, err := store.Recent(t.Context(), 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	times := make(map[string]int)
	for _, row := range rows {
		times[row.Token]++
	}
	for token := range confirmed {
		if times[token] != 1 {
			t.Errorf("a confirmed submission is there %d times", times[token])
		}
	}
	t.Logf("%d confirmed submissions, %d rows, at least %d visits", len(confirmed), len(rows), lastVisit)
}
