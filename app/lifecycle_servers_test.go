//go:build servers

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"simpleapp/internal/testserver"
)

func TestItServesBeforeItsServersAnswer(t *testing.T) {
	// Servers that don't exist yet: addresses where nothing listens.
	environ := with(onServers(), "MYSQL_ADDR", "127.0.0.1:1", "REDIS_ADDR", "127.0.0.1:1")
	p := start(t, environ)
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
	wantBody(t, refused, "were not stored", `value="Ada"`, `value="Pizza"`, `value="GB" selected`, "checked", form.Get("token"), "<title>Error: ")
	if refused.Header.Get("Retry-After") == "" {
		t.Error("POST /simpleform: no Retry-After")
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		wantStatus(t, get(t, p.admin+path), 503)
	}
	for _, page := range []answer{records, refused} {
		if strings.Contains(page.body, "127.0.0.1:1") || strings.Contains(page.body, "refused") {
			t.Error("a visitor sees the operator's error")
		}
	}
}

func TestItRecoversFromServersThatStopOrHang(t *testing.T) {
	p := startReady(t, onServers())
	for _, test := range []struct {
		name       string
		server     *testserver.Server
		hang, mend func(*testserver.Server) error
		dependency string
	}{
		{"MySQL stopped", mysqlServer, (*testserver.Server).Stop, (*testserver.Server).Start, "database"},
		{"Redis stopped", redisServer, (*testserver.Server).Stop, (*testserver.Server).Start, "cache"},
		{"MySQL hung", mysqlServer, freeze, thaw, "database"},
		{"Redis hung", redisServer, freeze, thaw, "cache"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.hang(test.server); err != nil {
				t.Fatal(err)
			}
			mend := sync.OnceValue(func() error { return test.mend(test.server) })
			defer mend()
			eventually(t, "not ready", func() bool { return get(t, p.admin+"/readyz").StatusCode == 503 })
			wantStatus(t, get(t, p.admin+"/healthz"), 200)
			wantBody(t, get(t, p.admin+"/metrics"), `simpleapp_dependency_up{name="`+test.dependency+`"} 0`)
			wantStatus(t, get(t, p.url+"/"), 200)
			form := validForm()
			a := post(t, p, form)
			if want := map[string]int{"database": 503, "cache": 303}[test.dependency]; a.StatusCode != want {
				t.Errorf("POST /simpleform = %d, want %d", a.StatusCode, want)
			}
			if err := mend(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "ready again", func() bool { return get(t, p.admin+"/readyz").StatusCode == 200 })
			wantStatus(t, post(t, p, form), 303)
			eventually(t, "visits are counted", func() bool { return strings.Contains(get(t, p.url+"/").body, "Visits: ") })
		})
	}
}

func freeze(s *testserver.Server) error { return s.Signal(syscall.SIGSTOP) }
func thaw(s *testserver.Server) error   { return s.Signal(syscall.SIGCONT) }

// A rotated password is taken up by the next connection; a wrong one is told with a hint and never shown.
func TestAWrongPasswordIsExplainedAndCanBeMended(t *testing.T) {
	dir := t.TempDir()
	environ := onServers()
	for _, name := range []string{"MYSQL_PASSWORD_FILE", "REDIS_PASSWORD_FILE"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("not-the-password\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		environ[name] = file
	}
	p := start(t, environ)
	for msg, variable := range map[string]string{"database is unavailable": "MYSQL_PASSWORD_FILE", "cache is unavailable": "REDIS_PASSWORD_FILE"} {
		if hint := p.waitLog(msg)["hint"]; !strings.Contains(fmt.Sprint(hint), variable) {
			t.Errorf("%s: hint = %v, want it to name %s", msg, hint, variable)
		}
	}
	wantStatus(t, get(t, p.admin+"/healthz"), 503)
	wantStatus(t, post(t, p, validForm()), 503)
	for variable, server := range map[string]*testserver.Server{"MYSQL_PASSWORD_FILE": mysqlServer, "REDIS_PASSWORD_FILE": redisServer} {
		if err := os.WriteFile(environ[variable], []byte(server.Password), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.waitLog("database connected")
	p.waitLog("cache connected")
	wantStatus(t, post(t, p, validForm()), 303)
	for _, secret := range []string{"not-the-password", mysqlServer.Password, redisServer.Password} {
		if strings.Contains(p.logs.String()+get(t, p.admin+"/metrics").body, secret) {
			t.Error("a password is in the logs or the metrics")
		}
	}
}
