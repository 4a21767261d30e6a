package web

import (
	"fmt"
	"net/http"
	_ "net/http/pprof"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A Check returns nil if the program passes the check, else the reason why not.
type Check func() error

// NewAdmin returns the handler of the admin listener, which is for operators only. It serves
// liveness, readiness, metrics and profiles.
func NewAdmin(healthy, ready Check, m *Metrics) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", answer(healthy))
	mux.Handle("GET /readyz", answer(ready))
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.gatherer(), promhttp.HandlerOpts{}))
	// The package net/http/pprof registers its handlers with http.DefaultServeMux.
	mux.Handle("GET /debug/pprof/", onlyHere(http.DefaultServeMux))
	return mux
}

// onlyHere answers only clients at a loopback address, which are in the same container, if there is
// one. Operators may open the admin listener to a network for /metrics, and a profile is not for
// everybody there: it costs CPU, and tells what the program does.
func onlyHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !client.Addr().IsLoopback() {
			http.Error(w, "profiles are for clients at a loopback address", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func answer(check Check) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if err := check(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}
