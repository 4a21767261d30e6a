//go:build servers

package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"simpleapp/internal/testserver"
)

// MySQL refuses a form although it answers. The visitor reads what they can do, and the operator
// reads the cause, with a remedy where the program knows one.
func TestRefusalsOfMySQLAreExplained(t *testing.T) {
	root := mysqlServer.Root()
	defer root.Close()
	const (
		account = "'" + testserver.User + "'@'%'"
		column  = "ALTER TABLE submissions MODIFY favourite_food "
	)
	for _, test := range []struct {
		name, spoil, restore string
		wantPage, wantErr    string
		wantHint             string
	}{
		{"a missing right", "REVOKE INSERT ON submissions FROM " + account,
			"GRANT INSERT ON submissions TO " + account,
			"This site can’t store answers right now.", "INSERT command denied",
			"the database's schema is older than this program, or this account may not do that: " +
				"for the app, run make deploy (on Swarm), make migrate (with Compose), or " +
				"simpleapp migrate and mysql_db/grants.sql; migrate and forget need an account " +
				"that may change the schema and delete (make migrate, make forget)"},
		{"a column that is too short", column + "VARCHAR(3) NOT NULL",
			column + "VARCHAR(100) NOT NULL",
			"One of them can’t be stored as it is.", "Data too long", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := mysqlServer.Empty(); err != nil {
				t.Fatal(err)
			}
			p := startReady(t, onServers())
			restore := sync.OnceFunc(func() {
				if _, err := root.Exec(test.restore); err != nil {
					t.Error(err)
				}
			})
			defer restore()
			if _, err := root.Exec(test.spoil); err != nil {
				t.Fatal(err)
			}
			form := validForm()
			refused := post(t, p, form)
			restore()
			wantStatus(t, refused, 503)
			wantBody(t, refused, "were not stored this time</h2>", test.wantPage, `value="Pizza"`)
			line := p.waitLog("request failed")
			hint, _ := line["hint"].(string)
			if !strings.Contains(fmt.Sprint(line["err"]), test.wantErr) ||
				hint != test.wantHint {
				t.Errorf("the log line = %v, want the error %q and the hint %q",
					line, test.wantErr, test.wantHint)
			}
			wantStored(t, p.url, form)
		})
	}
}
