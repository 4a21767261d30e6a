package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A visitor whose form was refused goes back to it. A reload would send the form again.
func TestBusyPageSaysWhatToDo(t *testing.T) {
	s, err := New(Config{Metrics: NewMetrics(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string]string{
		http.MethodGet:  "Reload this page in a few seconds.",
		http.MethodPost: "Go back and submit it again in a few seconds.",
	} {
		depth := 0
		var h handler
		h = limit(func(w http.ResponseWriter, r *http.Request) error {
			depth++
			return h(w, r) // one more request, while this one is in flight
		})
		answer := httptest.NewRecorder()
		r := httptest.NewRequest(method, "/simpleform", nil)
		s.handle(h).ServeHTTP(&recorder{ResponseWriter: answer, request: r}, r)
		retry := answer.Header().Get("Retry-After")
		if depth != maxInFlight || answer.Code != http.StatusServiceUnavailable || retry != "1" {
			t.Errorf("%s: %d requests are in flight, then %d with Retry-After %q, "+
				"want %d, then 503 with 1", method, depth, answer.Code, retry, maxInFlight)
		}
		if !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%s: the page has no %q:\n%s", method, want, answer.Body)
		}
	}
}
