// Package web serves the site: its routes, pages, errors and middleware.
package web

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"simpleapp/internal/certificate"
	"simpleapp/internal/food"
	"simpleapp/internal/tally"
	"simpleapp/internal/visits"
)

// Config contains the settings and the dependencies of a Server. Every field but Certificate,
// HTTPSPort and Files is required.
type Config struct {
	Visits      *visits.Counter
	Submissions *food.Submissions
	Tally       *tally.Tally
	Metrics     *Metrics
	Log         *slog.Logger
	Instance    string              // the name of this process, for people: replicas differ in it
	Version     string              // of the program
	Location    *time.Location      // the time zone of the pages
	Certificate *certificate.Keeper // of https, or nil if the site is on plain http
	HTTPSPort   uint16              // where visitors find https
	// Files is for a developer. A file in its folders templates and static takes the place of the
	// embedded one, and a change shows within 100 ms. The styles that `make assets` builds are
	// always the embedded ones.
	Files fs.FS
}

// A Server is the handler of the site. Use New to make one.
type Server struct {
	cfg      Config
	builtIn  *view // of the embedded files
	changing changingView
	handler  http.Handler
	leaving  atomic.Bool
	outages  throttle // see logOutage
}

// New returns a Server. It returns an error only if a file that is part of the program has a fault.
func New(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg}
	files, err := readFiles(embedded)
	if err != nil {
		return nil, err
	}
	if s.builtIn, err = s.loadView(files); err != nil {
		return nil, err
	}
	if cfg.Files != nil {
		if _, err := readChanges(cfg.Files); err != nil {
			cfg.Log.Warn("the files in WEB_DIR can't be read, so the program's own are used: "+
				"make them readable for everybody (chmod -R a+rX)", "err", err)
			s.cfg.Files = nil
		} else {
			cfg.Log.Info("files in WEB_DIR take the place of the program's own: " +
				"for development only")
		}
	}
	if v, err := s.view(); err == nil && v.assets.url("bootstrap.css") == "" {
		cfg.Log.Warn("the styles of Bootstrap are missing, pages will look bare: " +
			"build them with `make assets`")
	}
	s.handler = s.wrap(s.routes())
	return s, nil
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /{$}":                limit(s.getHome),
		"GET /static/{file}":      s.getStatic,
		"GET /simpleform":         limit(s.getForm),
		"POST /simpleform":        s.postForm(),
		"GET /simpleform/success": limit(s.getSuccess),
		"GET /submissions":        limit(s.getSubmissions),
		"GET /results":            limit(s.getResults),
		"GET /ping":               limit(s.getPing),
		"/":                       s.notFound(mux),
	} {
		mux.Handle(pattern, s.handle(h))
	}
	if s.cfg.Certificate != nil {
		mux.Handle("GET "+challengePath+"{token}", s.handle(limit(s.getChallenge)))
	}
	return mux
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Leave makes every later answer close its connection, so that clients connect to another replica
// before this one stops listening.
func (s *Server) Leave() { s.leaving.Store(true) }

// A handler answers a request. If it returns an error, it has not written anything.
type handler func(http.ResponseWriter, *http.Request) error

// handle returns the http.Handler of h. If h returns an error, it answers with the error page, and
// logs the error if the fault is the site's.
func (s *Server) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		switch {
		case err == nil:
		case errors.Is(err, errLeft),
			errors.Is(err, context.Canceled) && r.Context().Err() != nil: // the visitor has left
			w.WriteHeader(statusClientClosed)
		default:
			s.errorPage(w, r, err)
		}
	})
}

// notFound answers requests that match no other route. The status is 405 if another method would
// match, else 404.
func (s *Server) notFound(mux *http.ServeMux) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			other := &http.Request{Method: method, Host: r.Host, URL: r.URL}
			_, pattern := mux.Handler(other)
			if pattern != "/" && pattern != "" {
				allowed = append(allowed, method)
			}
		}
		if allowed == nil {
			return errNotFound
		}
		w.Header()["Allow"] = []string{strings.Join(allowed, ", ")}
		return errMethod
	}
}
