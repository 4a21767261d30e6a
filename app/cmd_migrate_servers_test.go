//go:build servers

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"simpleapp/internal/testserver"
)

// A program on a schema from before it serves, is not healthy, and says what to do; once that is
// done it goes on by itself.
func TestMigrate(t *testing.T) {
	root := mysqlServer.Root()
	defer root.Close()
	first, err := os.ReadFile("internal/database/migrations/mysql/00001_submissions.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"CREATE DATABASE older", "USE older", string(first),
		"GRANT SELECT, INSERT ON submissions TO '" + testserver.User + "'@'%'",
		fmt.Sprintf("CREATE USER IF NOT EXISTS 'migrator'@'%%' IDENTIFIED BY '%s'", mysqlServer.Password),
		"GRANT ALL ON older.* TO 'migrator'@'%'",
		"INSERT INTO submissions (token, first_name, last_name, favourite_food, country, created_at) VALUES (REPEAT('0', 32), 'Ada', 'Lovelace', 'Older pie', 'GB', UTC_TIMESTAMP(3))",
	} {
		if _, err := root.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	defer root.Exec("DROP DATABASE older; DROP USER migrator")
	environ := with(onServers(), "MYSQL_DATABASE", "older")
	p := start(t, environ)
	if hint := fmt.Sprint(p.waitLog("database is unavailable")["hint"]); !strings.Contains(hint, "older than this program") || !strings.Contains(hint, "make migrate") {
		t.Errorf("the hint is %q", hint)
	}
	wantStatus(t, get(t, p.admin+"/healthz"), 503)
	form := validForm()
	wantStatus(t, post(t, p, form), 503)

	migrate := func(environ map[string]string) (string, error) {
		var out strings.Builder
		err := run(t.Context(), []string{"migrate"}, environ, nil, &out, io.Discard)
		return out.String(), err
	}
	if out, err := migrate(environ); err == nil || !strings.Contains(err.Error(), "denied") || out != "" {
		t.Errorf("migrate with the app's account = %q, %v, want denied", out, err)
	}
	// From standard input the password can be read but once.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	fmt.Fprintln(write, mysqlServer.Password)
	write.Close()
	out, err := migrate(with(environ, "MYSQL_USER", "migrator", "MYSQL_PASSWORD_FILE", fmt.Sprintf("/dev/fd/%d", read.Fd())))
	if want := "applied 00001_submissions.sql\napplied 00002_tallies.sql\ncounted 1 submissions for the results\n"; err != nil || out != want {
		t.Errorf("migrate = %q, %v, want %q", out, err, want)
	}
	if out, err := migrate(with(environ, "MYSQL_USER", "migrator")); err != nil || out != "the schema is up to date\n" {
		t.Errorf("migrate again = %q, %v", out, err)
	}
	// An older version that ran on for a while has counted a zero-width space.
	if _, err := root.Exec("INSERT INTO tallies (scope, name, n) VALUES ('food', 'pie\u200b', 1), ('food:pie\u200b', 'Pie\u200b', 1)"); err != nil {
		t.Fatal(err)
	}
	if out, err := migrate(with(environ, "MYSQL_USER", "migrator")); err != nil || out != "merged 1 spellings of foods in the results\nthe schema is up to date\n" {
		t.Errorf("migrate what an older version counted = %q, %v", out, err)
	}
	grants, err := os.ReadFile(testserver.MySQLFile("grants.sql"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := root.Exec(strings.ReplaceAll(string(grants), "simple_db", "older")); err != nil {
		t.Fatal(err)
	}
	p.waitLog("database connected")
	wantStatus(t, get(t, p.admin+"/healthz"), 200)
	wantStatus(t, post(t, p, form), 303)
	wantBody(t, get(t, p.url+"/results"), "<bdi>Older pie</bdi>", "<bdi>Pizza</bdi>")

	if out, err := migrate(embedded(t)); err != nil || !strings.Contains(out, "up to date") {
		t.Errorf("migrate of the embedded storage = %q, %v", out, err)
	}
}
