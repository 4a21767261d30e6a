//go:build servers

package main

import (
	"strings"
	"testing"
)

// A program whose user of Redis may log in, but not count, is not healthy: so it does not replace a
// version that can count. `import` stores nothing, because it could not add the visits. `export`
// only reads, so a backup works.
func TestUserWhoMayNotCountIsNotHealthy(t *testing.T) {
	client := redisServer.RedisClient()
	defer client.Close()
	setUser := func(rules ...any) {
		t.Helper()
		args := append([]any{"ACL", "SETUSER", "counter"}, rules...)
		if err := client.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	setUser("reset", "on", ">its-password", "~visits*", "+@all", "-incrby")
	password := passwordFile(t, "its-password")
	if err := mysqlServer.Empty(); err != nil {
		t.Fatal(err)
	}
	environ := with(onServers(), "REDIS_USERNAME", "counter", "REDIS_PASSWORD_FILE", password)

	p := start(t, environ)
	p.waitLog("database connected")
	down := p.waitLog("cache is unavailable")
	if hint, _ := down["hint"].(string); !strings.Contains(hint, "the user may not count") {
		t.Errorf("the log line = %v, want a hint about the rights of the user", down)
	}
	wantStatus(t, get(t, p.admin+"/healthz"), 503)
	wantStatus(t, get(t, p.admin+"/readyz"), 503)
	if err := p.measures(`simpleapp_dependency_up{name="cache"} 0`)(); err != nil {
		t.Error(err)
	}
	_, err := call(t, environ, `{"visits": 1, "submissions": []}`, "import")
	if err == nil || !strings.Contains(err.Error(), "nothing was imported: visits: ") ||
		!strings.Contains(err.Error(), "the user may not count") {
		t.Errorf("import = %v, want that nothing was imported, and why", err)
	}
	exportAll(t, environ)

	setUser("+incrby")
	p.waitLog("cache connected")
	wantStatus(t, get(t, p.admin+"/healthz"), 200)
	eventually(t, "visits are counted", p.countsVisits)
}
