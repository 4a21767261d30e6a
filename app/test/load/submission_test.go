package load

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/testsite"
)

const slowPage = "Your answers are still in the form: submit them again in a moment."

// The site answers the first copy of each form late, and confirms the second one. The load ends
// while visitors wait for the first answers.
func TestSlowSite(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	copies := map[string]int{} // of each form, by token
	mux := http.NewServeMux()
	mux.HandleFunc("GET /simpleform", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `name="token" value="%s"`, food.NewToken())
	})
	mux.HandleFunc("POST /simpleform", func(w http.ResponseWriter, r *http.Request) {
		token := r.PostFormValue("token")
		mu.Lock()
		copies[token]++
		first := copies[token] == 1
		mu.Unlock()
		if first {
			time.Sleep(slowTime)
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, slowPage)
			return
		}
		http.Redirect(w, r, "/simpleform/success", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "Visits unavailable")
	})
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)

	l := Start(t, 50, time.Minute, strings.TrimPrefix(site.URL, "http://"))
	testsite.Eventually(t, "the site gets a form", func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(copies) == 0 {
			return errors.New("there is none")
		}
		return nil
	})
	report := l.Stop()
	mu.Lock()
	defer mu.Unlock()
	if n := len(copies); report.Slow != n || len(report.Confirmed) != n || report.Failed() != 0 {
		t.Errorf("of %d forms, %d were slow and %d were confirmed, and %d requests failed; "+
			"want all, all and none", n, report.Slow, len(report.Confirmed), report.Failed())
	}
}

func TestVisitorSlow(t *testing.T) {
	for _, test := range []struct {
		name   string
		took   time.Duration
		answer answer
		want   bool
	}{
		{"the database is slow", slowTime, answer{status: 503, body: slowPage}, true},
		{"the site is stopping", time.Second, answer{status: 503, body: slowPage}, false},
		{"too many requests", slowTime, answer{status: 503, body: "busy"}, false},
		{"an error", slowTime, answer{status: 500, body: slowPage}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := visitor{took: test.took}
			if got := v.slow(test.answer); got != test.want {
				t.Errorf("slow = %t, want %t", got, test.want)
			}
		})
	}
}
