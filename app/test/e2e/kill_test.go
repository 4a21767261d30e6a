package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// confirmations are what visitors have been told.
type confirmations struct {
	mu     sync.Mutex
	tokens map[string]bool // of submissions that are stored
	visits int64           // the largest number of a visit
}

// note adds a submission and the number of a visit. It returns how many submissions there are.
func (c *confirmations) note(token string, visit int64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens[token] = true
	c.visits = max(c.visits, visit)
	return len(c.tokens)
}

// The embedded storage is killed several times under load. Afterwards it has everything that
// visitors were told.
func TestEmbeddedStorageSurvivesKills(t *testing.T) {
	dir := t.TempDir()
	client := testserver.NewBrowser(20 * time.Second)
	defer client.CloseIdleConnections()
	confirmed := &confirmations{tokens: make(map[string]bool)}
	for round := range 5 {
		app, err := testserver.StartApp(binary, "DATA_DIR="+dir)
		if err != nil {
			t.Fatal(err)
		}
		site := "http://" + app.Addr
		enough := make(chan struct{})
		closeEnough := sync.OnceFunc(func() { close(enough) })
		var killing atomic.Bool
		var clients sync.WaitGroup
		for c := range 16 {
			clients.Go(func() {
				for n := 0; ; n++ {
					form := testsite.Form()
					form.Set("first_name", fmt.Sprint(round))
					form.Set("last_name", fmt.Sprint(c))
					form.Set("favourite_food", fmt.Sprint(n))
					visit, err := submitAndVisit(client, site, form)
					if err != nil {
						if !killing.Load() {
							t.Errorf("before the program is killed: %v", err)
						}
						return
					}
					if confirmed.note(form.Get("token"), visit) >= 200*(round+1) {
						closeEnough()
					}
				}
			})
		}
		ended := make(chan struct{})
		go func() { clients.Wait(); close(ended) }()
		select {
		case <-enough:
		case <-ended:
			t.Error("every client got an error before the program was killed")
		}
		killing.Store(true)
		if err := app.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ended
	}

	app, err := testserver.StartApp(binary, "DATA_DIR="+dir)
	if err != nil {
		t.Fatal(err)
	}
	defer app.Kill()
	// A page shows no number while the disk takes longer than 250 ms. A number that is too small
	// fails at once, because each further visit would raise it.
	var visit int64
	testsite.Eventually(t, "the next visit has a number", func() (err error) {
		visit, err = testsite.VisitNumber(testsite.Get(t, "http://"+app.Addr+"/").Body)
		if err == nil && visit == 0 {
			err = errors.New("the page shows none")
		}
		return err
	})
	if visit <= confirmed.visits {
		t.Errorf("the next visit is number %d, want more than %d", visit, confirmed.visits)
	}
	store := testsite.New(t, testsite.OpenSQLite(t, filepath.Join(dir, "submissions.db")))
	rows, err := store.Recent(t.Context(), 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	times := make(map[string]int)
	for _, row := range rows {
		times[row.Token]++
	}
	for token := range confirmed.tokens {
		if times[token] != 1 {
			t.Errorf("a confirmed submission is stored %d times, want once", times[token])
		}
	}
	t.Logf("%d confirmed submissions, %d rows, at least %d visits",
		len(confirmed.tokens), len(rows), confirmed.visits)
}

// submitAndVisit submits a form, which must be stored, and returns the number that the home page
// shows.
func submitAndVisit(client *http.Client, site string, form url.Values) (int64, error) {
	if _, err := testsite.Store(client, site, form); err != nil {
		return 0, err
	}
	home, err := client.Get(site + "/")
	if err != nil {
		return 0, err
	}
	defer home.Body.Close()
	page, err := io.ReadAll(home.Body)
	if err != nil {
		return 0, err
	}
	return testsite.VisitNumber(string(page))
}
