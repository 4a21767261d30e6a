package https

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// Three replicas that start at the same moment order one certificate. Any of them answers the
// authority, and a new one gets the certificate without an order.
func TestReplicasShareOneCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, usual)
	apps := a.startThree(t, both)
	certificate := a.awaitServed(t, nil, apps...)
	if _, err := a.served(apps[0], "www."+domain); err != nil {
		t.Errorf("the second name: %v", err)
	}
	a.wantOrdered(t, 1)
	for _, app := range apps {
		if err := app.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	environ := append(a.environ(both), onMySQL()...)
	if next := a.awaitServed(t, nil, start(t, environ...)); !next.Equal(certificate) {
		t.Error("a new replica has another certificate")
	}
	a.wantOrdered(t, 1)
	out, err := a.status(environ...)
	const want = "certificate of food.example.test, www.food.example.test: 89 days left"
	if err != nil || !strings.Contains(out, want) {
		t.Errorf("simpleapp certificate = %v, want %q:\n%s", err, want, out)
	}
}

// The replica that orders is killed. Another one orders in its place.
func TestOrderingReplicaIsKilled(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, usual)
	ordering, goOn := make(chan bool, 100), make(chan bool)
	release := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(release) // the authority ends only after its requests
	a.onRequest("/order-plz", func() {
		ordering <- true
		<-goOn
	})
	apps := a.startThree(t, domain)
	select {
	case <-ordering:
	case <-time.After(orderTime):
		t.Fatal("no replica orders")
	}
	var first int
	testsite.Eventually(t, "a replica says that it orders", func() error {
		first = slices.IndexFunc(apps, func(app *testserver.App) bool {
			return strings.Contains(app.Log(), "ordering a certificate")
		})
		if first < 0 {
			return errors.New("none does")
		}
		return nil
	})
	if err := apps[first].Kill(); err != nil {
		t.Fatal(err)
	}
	release()
	apps = slices.Delete(apps, first, first+1)
	a.awaitServed(t, nil, apps...)
	a.wantOrdered(t, 1)
}

// One of the replicas renews the certificate when the last third of its time begins, and all serve
// the new one.
func TestRenewal(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, 2*time.Minute) // the last third, 40 s, is for the renewal
	apps := a.startThree(t, domain)
	first := a.awaitServed(t, nil, apps...)
	second := a.awaitServed(t, first, apps...)
	a.wantOrdered(t, 2)
	if earliest := first.NotBefore.Add(75 * time.Second); second.NotBefore.Before(earliest) {
		t.Errorf("renewed at %v, want not before %v", second.NotBefore, earliest)
	}
	if !second.NotBefore.Before(first.NotAfter) {
		t.Errorf("renewed at %v, want before %v, when the first certificate ends",
			second.NotBefore, first.NotAfter)
	}
}

// A certificate that the database refuses is stored when the database takes it, and not ordered
// again.
func TestCertificateThatCanNotBeStored(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, usual)
	app, _, accept := a.startRefused(t)
	accept()
	a.awaitServed(t, nil, app)
	a.wantOrdered(t, 1)
	if n := strings.Count(app.Log(), refusal); n != 1 {
		t.Errorf("the log says %d times that the certificate can't be stored, want once", n)
	}
}

// A program that stops stores the certificate that it has obtained. The next one orders none.
func TestCertificateOutlivesAStop(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, usual)
	app, environ, accept := a.startRefused(t)
	accept()
	if err := app.Stop(); err != nil {
		t.Fatal(err)
	}
	a.awaitServed(t, nil, start(t, environ...))
	a.wantOrdered(t, 1)
}

const refusal = "there is no room"

// startRefused starts a replica whose database refuses certificates until accept is called, and
// waits until it has refused one.
func (a *authority) startRefused(t *testing.T) (
	app *testserver.App, environ []string, accept func()) {
	t.Helper()
	dir := t.TempDir()
	db := testsite.OpenSQLite(t, filepath.Join(dir, "submissions.db"))
	t.Cleanup(func() { db.Close() })
	exec := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE TRIGGER full BEFORE INSERT ON acme WHEN NEW.name LIKE 'certificate %' " +
		"BEGIN SELECT RAISE(ABORT, '" + refusal + "'); END")
	environ = append(a.environ(domain), a.alone(), "DATA_DIR="+dir)
	app = start(t, environ...)
	const what = "the log says that the certificate can't be stored"
	testsite.Within(t, orderTime, what, func() error {
		if !strings.Contains(app.Log(), refusal) {
			return errors.New(app.Log())
		}
		return nil
	})
	return app, environ, func() { exec("DROP TRIGGER full") }
}

// Where the authority gives no certificate, the site goes on without https, and the log and
// `simpleapp certificate` say why and what to do.
func TestNoCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, usual)
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(elsewhere.Close)
	balance(t, "127.0.0.2", a.Port).set(elsewhere.Listener.Addr().String())
	for _, test := range []struct{ name, domain, hint string }{
		{"the name does not exist", "nowhere.example.test", "let the name's A record"},
		{"the name points elsewhere", "elsewhere.example.test", "another server answers"},
		{"the port is closed", "closed.example.test", "can't connect to port 80"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			environ := a.environ(test.domain)
			app := start(t, environ...)
			wantReason(t, app, test.hint)
			out, err := a.status(environ...)
			if err == nil || !strings.Contains(out, "no certificate of "+test.domain+" yet: ") ||
				!strings.Contains(out, test.hint) {
				t.Errorf("simpleapp certificate = %v, want a failure and %q:\n%s", err, test.hint,
					out)
			}
		})
	}
}

// wantReason waits until the log has a hint, and checks that the site is served on plain http.
func wantReason(t *testing.T, app *testserver.App, hint string) {
	t.Helper()
	testsite.Eventually(t, "the log says why", func() error {
		if !strings.Contains(app.Log(), hint) {
			return errors.New("it does not")
		}
		return nil
	})
	testsite.WantStatus(t, testsite.Get(t, "http://"+app.Addr+"/"), http.StatusOK)
}

// A certificate that can't be parsed is a failed attempt, after which another one is ordered.
func TestAuthoritySendsADamagedCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, usual)
	a.sendDamaged()
	app := start(t, append(a.environ(domain), a.alone())...)
	a.awaitServed(t, nil, app)
	a.wantOrdered(t, 2)
	if !strings.Contains(app.Log(), "the certificate that the authority sent: ") {
		t.Errorf("the log does not say what was wrong with the first certificate:\n%s", app.Log())
	}
}
