package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// maxInFlight is how many requests of one route may be in flight at once.
const maxInFlight = 512

// securityHeaders go out with every answer. All scripts and styles are files of this site. No script
// connects anywhere; 'self' is for tools that look from within a page, such as Lighthouse.
var securityHeaders = []struct {
	name  string
	value []string
}{
	{"Content-Security-Policy", []string{"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"}},
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"X-Frame-Options", []string{"DENY"}},
	// With no-referrer, browsers would hide the Origin of the site's own form, too, and over plain http
	// nothing else tells it from another site's.
	{"Referrer-Policy", []string{"same-origin"}},
	{"Permissions-Policy", []string{"camera=(), geolocation=(), microphone=(), payment=(), usb=()"}},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	// Pages hold a visitor's own number or answers, so no proxy keeps them. With no-store, the browser
	// would keep none either, and Back would find a form without answers, or no page at all.
	{"Cache-Control", []string{"private, no-cache"}},
}

var (
	connectionClose = []string{"close"}
	sameOrigin      = []string{"same-origin"}
)

// wrap adds the middleware that applies to every request.
func (s *Server) wrap(routes http.Handler) http.Handler {
	var protection http.CrossOriginProtection
	protected := s.handle(func(w http.ResponseWriter, r *http.Request) error {
		if err := checkOrigin(&protection, r); err != nil {
			s.cfg.Log.Debug("request refused", "err", err, "origin", r.Header.Get("Origin"), "host", r.Host)
			return errCrossSite
		}
		routes.ServeHTTP(w, r)
		return nil
	})

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		h := w.Header()
		for _, header := range securityHeaders {
			h[header.name] = header.value
		}
		// Over plain http, browsers ignore this one and report an error. They send Sec-Fetch-Site exactly
		// where they heed it.
		if r.Header["Sec-Fetch-Site"] != nil {
			h["Cross-Origin-Opener-Policy"] = sameOrigin
		}
		if s.leaving.Load() {
			h["Connection"] = connectionClose
		}
		recorder := &recorder{ResponseWriter: w, connection: connectionOf(r)}
		defer s.finish(recorder, r, start)
		protected.ServeHTTP(recorder, r)
	})
}

// limit refuses requests at once while maxInFlight are in flight on a route. So those that are
// accepted are answered in time, and memory and queues are bounded. A store that hangs fills only the
// routes that need it. A request is no longer in flight when its answer begins, so that slow readers
// hold no place.
func limit(h handler) handler {
	var inFlight atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) error {
		recorder := w.(*recorder)
		recorder.inFlight = &inFlight
		defer recorder.release()
		if inFlight.Add(1) > maxInFlight {
			return errBusy
		}
		return h(w, r)
	}
}

// finish turns a panic into the error page, measures the request and logs it.
func (s *Server) finish(w *recorder, r *http.Request, start time.Time) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		if w.status != 0 { // the answer has begun: break it off, so that it is not taken for a complete one
			s.logFault(r, w.status, err)
			panic(http.ErrAbortHandler)
		}
		s.errorPage(w, r, err)
	}
	took := time.Since(start)
	route := r.Pattern
	if route == "" {
		route = "none" // refused before it was routed
	}
	s.cfg.Metrics.observeRequest(route, metricMethod(r.Method), w.status, took)
	if s.cfg.Log.Enabled(r.Context(), slog.LevelDebug) {
		s.cfg.Log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", w.status, "took", took)
	}
}

// metricMethod bounds the values of a metric's label, because a client may send any word as a method.
func metricMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return method
	}
	return "other"
}

// logFault tells the operator why a request failed. Errors without a cause are the visitor's, and are
// not logged.
func (s *Server) logFault(r *http.Request, status int, cause error) {
	if cause != nil {
		s.cfg.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "status", status, "err", cause)
	}
}

// A recorder remembers the status of an answer. Handlers do their work before they write, so when
// the answer begins, the request is no longer in flight and its connection waits for the client.
type recorder struct {
	http.ResponseWriter
	status     int
	connection *connection
	inFlight   *atomic.Int64 // the count of the route that the request is in, or nil
}

func (r *recorder) WriteHeader(status int) {
	r.begin(status)
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.begin(http.StatusOK)
	return r.ResponseWriter.Write(b)
}

func (r *recorder) begin(status int) {
	if r.status == 0 {
		r.status = status
		r.release()
		r.connection.enter(sending)
	}
}

// release takes the request out of the count of its route.
func (r *recorder) release() {
	if r.inFlight != nil {
		r.inFlight.Add(-1)
		r.inFlight = nil
	}
}

// Unwrap lets http.ResponseController reach the server's own ResponseWriter.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
