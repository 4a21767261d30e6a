package web

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"simpleapp/internal/database"
)

// logFault logs a fault of the program that made a request fail.
func (s *Server) logFault(r *http.Request, status int, cause error) {
	s.logCause(r, slog.LevelError, status, cause)
}

// logOutage logs why the database did not do what a request needed. The database can refuse a write
// although its pings succeed: for example, if the account may not insert into the table
// submissions. logOutage logs an error at most once a minute, and the others at debug level: while
// the database is away, every request fails, and a log of bounded size would lose the first error
// of the outage.
func (s *Server) logOutage(r *http.Request, status int, cause error) {
	level := slog.LevelDebug
	if s.outages.allow() {
		level = slog.LevelError
	}
	s.logCause(r, level, status, cause)
}

// logCause logs why a request failed, and what the operator can do about it, if the package
// database knows.
func (s *Server) logCause(r *http.Request, level slog.Level, status int, cause error) {
	log := s.cfg.Log.With("method", r.Method, "path", r.URL.Path, "status", status, "err", cause)
	if hint := database.Hint(cause); hint != "" {
		log = log.With("hint", hint)
	}
	log.Log(r.Context(), level, "request failed")
}

// A throttle allows something once a minute.
type throttle struct {
	mu   sync.Mutex
	next time.Time // nothing is allowed before
}

func (t *throttle) allow() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Before(t.next) {
		return false
	}
	t.next = now.Add(time.Minute)
	return true
}
