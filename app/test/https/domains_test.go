package https

import (
	"net/http"
	"testing"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// wantRedirect checks that GET / with this Host leads to https, or with "" that it leads nowhere.
func wantRedirect(t *testing.T, app *testserver.App, host, want string) {
	t.Helper()
	r := testsite.Request(t, "GET", "http://"+app.Addr+"/", nil)
	r.Host = host
	status := http.StatusOK
	if want != "" {
		status = http.StatusMovedPermanently
	}
	answer := testsite.Send(t, r)
	if to := answer.Header.Get("Location"); answer.StatusCode != status || to != want {
		t.Errorf("GET http://%s/ = %d to %q, want %d to %q", host, answer.StatusCode, to, status,
			want)
	}
}

// A name was added to DOMAIN, and the authority is down: https goes on with the certificate of the
// earlier names. A name that is not in it is on plain http until the new certificate is there.
// If DOMAIN gets its earlier value, the site serves the earlier certificate again.
func TestAddedName(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, usual)
	dir := "DATA_DIR=" + t.TempDir()
	run := func(domains string) *testserver.App {
		t.Helper()
		return start(t, append(a.environ(domains), a.alone(), dir)...)
	}
	stop := func(app *testserver.App) {
		t.Helper()
		if err := app.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	app := run(domain)
	first := a.awaitServed(t, nil, app)
	stop(app)

	again := a.Stop()
	app = run("www." + domain + "," + domain)
	if got := a.awaitServed(t, nil, app); !got.Equal(first) {
		t.Error("after a change of DOMAIN the certificate is another one")
	}
	wantReason(t, app, "the authority can't be reached")
	wantRedirect(t, app, domain, "https://"+domain+"/")
	wantRedirect(t, app, "www."+domain, "")
	// An address would be redirected to the first name, which has no certificate yet.
	wantRedirect(t, app, "192.0.2.7", "")
	again()
	a.awaitServed(t, first, app)
	if _, err := a.served(app, "www."+domain); err != nil {
		t.Errorf("the new name: %v", err)
	}
	wantRedirect(t, app, "www."+domain, "https://www."+domain+"/")
	stop(app)

	if got := a.awaitServed(t, nil, run(domain)); !got.Equal(first) {
		t.Error("DOMAIN is what it was, and the certificate is another one")
	}
	a.wantOrdered(t, 2)
}
