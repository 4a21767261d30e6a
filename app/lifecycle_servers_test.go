//go:build servers

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

func TestServesBeforeTheStoresAnswer(t *testing.T) {
	// Nothing listens on these addresses.
	p := start(t, with(onServers(), "MYSQL_ADDR", "127.0.0.1:1", "REDIS_ADDR", "127.0.0.1:1"))
	p.waitLog("database is unavailable")
	p.waitLog("cache is unavailable")

	a := get(t, p.url+"/")
	wantStatus(t, a, 200)
	wantBody(t, a, "Visits unavailable", "Hello!")
	wantStatus(t, get(t, p.url+"/simpleform"), 200)
	wantBody(t, get(t, p.url+"/ping"), `"visits":null`)
	records := get(t, p.url+"/submissions")
	wantStatus(t, records, 503)
	wantBody(t, records, "can’t be read right now")
	wantStatus(t, get(t, p.url+"/results"), 503)
	stored := get(t, p.url+"/simpleform/success")
	wantStatus(t, stored, 200)
	wantBody(t, stored, "can’t be shown right now")

	form := validForm()
	refused := post(t, p, form)
	wantStatus(t, refused, 503)
	wantBody(t, refused, "were not stored", "<title>Error: ", form.Get("token"),
		`value="Ada"`, `value="Pizza"`, `value="GB" selected`, "checked")
	if refused.Header.Get("Retry-After") == "" {
		t.Error("POST /simpleform: no Retry-After")
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		wantStatus(t, get(t, p.admin+path), 503)
	}
	for _, page := range []testsite.Answer{records, refused} {
		if strings.Contains(page.Body, "127.0.0.1:1") || strings.Contains(page.Body, "refused") {
			t.Errorf("%s shows a visitor the operator's error", page.Request.URL.Path)
		}
	}
}

func TestRecoversWhenAStoreStopsOrHangs(t *testing.T) {
	p := startReady(t, onServers())
	for _, test := range []struct {
		name           string
		server         *testserver.Server
		fail           func(testing.TB, *testserver.Server) (restore func())
		dependency     string
		wantPostStatus int
	}{
		{"MySQL stopped", mysqlServer, testsite.Stop, "database", 503},
		{"Redis stopped", redisServer, testsite.Stop, "cache", 303},
		{"MySQL hung", mysqlServer, testsite.Hang, "database", 503},
		{"Redis hung", redisServer, testsite.Hang, "cache", 303},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := *p
			p.t = t // a request that fails ends this test, not the one around it
			restore := test.fail(t, test.server)
			eventually(t, "the program is not ready", p.readiness(503))
			wantStatus(t, get(t, p.admin+"/healthz"), 200)
			down := fmt.Sprintf("simpleapp_dependency_up{name=%q} 0", test.dependency)
			eventually(t, "the metric says so", p.measures(down))
			wantStatus(t, get(t, p.url+"/"), 200)
			form := validForm()
			if test.wantPostStatus == 303 {
				wantStored(t, p.url, form)
			} else {
				wantStatus(t, post(t, &p, form), test.wantPostStatus)
			}
			restore()
			eventually(t, "the program is ready again", p.readiness(200))
			wantStored(t, p.url, form)
			eventually(t, "visits are counted", p.countsVisits)
		})
	}
}

// A wrong password is logged with a hint. The file is read again for the next connection, so that
// the operator only has to correct it. Logs and metrics never contain a password.
func TestWrongPasswordIsExplainedAndReadAgain(t *testing.T) {
	const wrong = "not-the-password"
	servers := []struct {
		name, variable string
		server         *testserver.Server
	}{
		{"database", "MYSQL_PASSWORD_FILE", mysqlServer},
		{"cache", "REDIS_PASSWORD_FILE", redisServer},
	}
	dir, environ := t.TempDir(), onServers()
	for _, s := range servers {
		environ[s.variable] = filepath.Join(dir, s.variable)
		if err := os.WriteFile(environ[s.variable], []byte(wrong+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, environ)
	for _, s := range servers {
		line := p.waitLog(s.name + " is unavailable")
		if hint := fmt.Sprint(line["hint"]); !strings.Contains(hint, s.variable) {
			t.Errorf("%s is unavailable: hint = %s, want it to name %s", s.name, hint, s.variable)
		}
	}
	wantStatus(t, get(t, p.admin+"/healthz"), 503)
	wantStatus(t, post(t, p, validForm()), 503)

	for _, s := range servers {
		if err := os.WriteFile(environ[s.variable], []byte(s.server.Password), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.waitLog("database connected")
	p.waitLog("cache connected")
	wantStored(t, p.url, validForm())
	shown := p.logs.String() + get(t, p.admin+"/metrics").Body
	for _, secret := range []string{wrong, mysqlServer.Password, redisServer.Password} {
		if strings.Contains(shown, secret) {
			t.Error("a password is in the logs or the metrics")
		}
	}
}
