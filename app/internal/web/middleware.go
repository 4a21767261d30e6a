package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// maxInFlight is how many requests of one route may be in flight at the same time.
const maxInFlight = 512

// maxFields is how many fields the header of a request may have, and a form. Browsers and proxies
// send fewer than 50 in a header.
const maxFields = 100

// securityHeaders are sent with every answer. All scripts and styles are files of this site. No
// script opens a connection: connect-src allows 'self' for tools such as Lighthouse, which request
// files from within a page.
var securityHeaders = []struct {
	name  string
	value []string
}{
	{"Content-Security-Policy", []string{"default-src 'none'; script-src 'self'; " +
		"style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors 'none'"}},
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"X-Frame-Options", []string{"DENY"}},
	// With no-referrer, browsers would hide the Origin of the site's own form, too. Over plain
	// http, only Origin shows whether a form comes from this site.
	{"Referrer-Policy", []string{"same-origin"}},
	{"Permissions-Policy", []string{
		"camera=(), geolocation=(), microphone=(), payment=(), usb=()"}},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	// Pages contain a visitor's number or answers, so proxies must not cache them. With no-store,
	// browsers would not keep them either, and Back would show an empty form or no page.
	{"Cache-Control", []string{"private, no-cache"}},
}

var (
	connectionClose = []string{"close"}
	sameOrigin      = []string{"same-origin"}
)

// wrap adds the middleware that applies to every request.
func (s *Server) wrap(routes http.Handler) http.Handler {
	var protection http.CrossOriginProtection
	refused := refusalLog{log: s.cfg.Log}
	protected := s.handle(func(w http.ResponseWriter, r *http.Request) error {
		fields := 0
		for _, values := range r.Header {
			fields += len(values)
		}
		if fields > maxFields {
			return errHeader
		}
		connectionOf(r).leave()
		if s.redirectToHTTPS(w, r) {
			return nil
		}
		if err := checkOrigin(&protection, r); err != nil {
			refused.report(r, err)
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
		// Over plain http, browsers ignore Cross-Origin-Opener-Policy and report an error. They
		// send Sec-Fetch-Site if and only if they obey the policy.
		if r.Header["Sec-Fetch-Site"] != nil {
			h["Cross-Origin-Opener-Policy"] = sameOrigin
		}
		if r.TLS != nil && s.onDefaultPort() {
			h["Strict-Transport-Security"] = hsts
		}
		// A request without a length may have a trailer of many fields. If the connection is to be
		// closed, the server does not read the trailer before the answer. Browsers send a length.
		if s.leaving.Load() || r.ContentLength < 0 {
			h["Connection"] = connectionClose
		}
		rec := &recorder{ResponseWriter: w, request: r, connection: connectionOf(r)}
		defer s.finish(rec, r, start)
		protected.ServeHTTP(rec, r)
	})
}

// limit refuses a request at once if maxInFlight requests of its route are in flight. It bounds
// memory and queues, so that the accepted requests are answered in time. A store that hangs blocks
// only the routes that need it. A request stops being in flight when its answer begins, so that
// clients that read slowly do not count.
func limit(h handler) handler {
	var inFlight atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) error {
		rec := w.(*recorder)
		rec.inFlight = &inFlight
		defer rec.release()
		if inFlight.Add(1) > maxInFlight {
			if r.Method == http.MethodPost {
				return errBusyForm
			}
			return errBusy
		}
		return h(w, r)
	}
}

// finish sends the error page after a panic, and measures and logs the request.
func (s *Server) finish(w *recorder, r *http.Request, start time.Time) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		if w.status != 0 { // the answer has begun: abort it, so that the client sees an error
			s.logFault(r, w.status, err)
			panic(http.ErrAbortHandler)
		}
		s.errorPage(w, r, err)
	}
	took := time.Since(start)
	route := r.Pattern
	if route == "" {
		route = "none" // the request was refused or redirected before routing
	}
	s.cfg.Metrics.observeRequest(route, metricMethod(r.Method), w.status, took)
	if s.cfg.Log.Enabled(r.Context(), slog.LevelDebug) {
		s.cfg.Log.Debug("request",
			"method", r.Method, "path", r.URL.Path, "status", w.status,
			"took", took.String())
	}
}

// metricMethod returns the method as a label of metrics. A client may send any word as a method,
// and the number of labels must be bounded.
func metricMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return method
	}
	return "other"
}

// A recorder records the status of an answer. A handler writes only after all of its other work.
// Therefore, when the answer begins, the request stops being in flight, its connection is sending,
// and the memory of its fields is free.
type recorder struct {
	http.ResponseWriter
	request    *http.Request
	status     int
	connection *connection
	inFlight   *atomic.Int64 // the counter that includes this request, or nil
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
		r.request.Header, r.request.PostForm = nil, nil
		r.connection.enter(sending)
	}
}

// release subtracts the request from the requests in flight.
func (r *recorder) release() {
	if r.inFlight != nil {
		r.inFlight.Add(-1)
		r.inFlight = nil
	}
}

// Unwrap returns the server's ResponseWriter, for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
