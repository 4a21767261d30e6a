package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"simpleapp/internal/web"
)

// A scraper in another container reads the metrics. Profiles are for clients beside the program.
func TestNewAdminGivesProfilesToLoopbackAddressesOnly(t *testing.T) {
	fine := func() error { return nil }
	admin := web.NewAdmin(fine, fine, web.NewMetrics())
	for _, test := range []struct {
		path, client string
		want         int
	}{
		{"/debug/pprof/", "127.0.0.1:4711", 200},
		{"/debug/pprof/goroutine", "127.0.0.1:4711", 200},
		{"/debug/pprof/cmdline", "127.0.0.1:4711", 200},
		{"/debug/pprof/profile?seconds=1", "[::1]:4711", 200},
		{"/debug/pprof/", "10.0.1.5:4711", 403},
		{"/debug/pprof/goroutine", "[fd00::5]:4711", 403},
		{"/debug/pprof/profile?seconds=1", "[fe80::5%eth0]:4711", 403},
		{"/metrics", "10.0.1.5:4711", 200},
		{"/healthz", "10.0.1.5:4711", 200},
		{"/readyz", "10.0.1.5:4711", 200},
	} {
		r := httptest.NewRequest(http.MethodGet, test.path, nil)
		r.RemoteAddr = test.client
		answer := httptest.NewRecorder()
		admin.ServeHTTP(answer, r)
		if answer.Code != test.want {
			t.Errorf("GET %s from %s = %d, want %d", test.path, test.client, answer.Code, test.want)
		}
	}
}
