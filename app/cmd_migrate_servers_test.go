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

// The database has an older schema. The program serves, but is not healthy, and logs what to do.
// After the migration it becomes healthy without a restart.
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
		fmt.Sprintf("CREATE USER IF NOT EXISTS 'migrator'@'%%' IDENTIFIED BY '%s'",
			mysqlServer.Password),
		"GRANT ALL ON older.* TO 'migrator'@'%'",
		"INSERT INTO submissions " +
			"(token, first_name, last_name, favourite_food, country, created_at) VALUES " +
			"(REPEAT('0', 32), 'Ada', 'Lovelace', 'Older pie', 'GB', UTC_TIMESTAMP(3))",
	} {
		if _, err := root.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	defer root.Exec("DROP DATABASE older; DROP USER migrator")
	environ := with(onServers(), "MYSQL_DATABASE", "older")
	p := start(t, environ)
	hint := fmt.Sprint(p.waitLog("database is unavailable")["hint"])
	if !strings.Contains(hint, "older than this program") ||
		!strings.Contains(hint, "make migrate") {
		t.Errorf("the hint is %q, want it to name make migrate", hint)
	}
	wantStatus(t, get(t, p.admin+"/healthz"), 503)
	form := validForm()
	wantStatus(t, post(t, p, form), 503)

	migrate := func(environ map[string]string) (string, error) {
		return call(t, environ, "", "migrate")
	}
	out, err := migrate(environ)
	if err == nil || !strings.Contains(err.Error(), "denied") || out != "" {
		t.Errorf("migrate with the app's account = %q, %v, want denied", out, err)
	}
	files, err := filepath.Glob("internal/database/migrations/mysql/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	// A pipe can be read only once, so migrate must read the password only once.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	fmt.Fprintln(write, mysqlServer.Password)
	write.Close()
	out, err = migrate(with(environ, "MYSQL_USER", "migrator",
		"MYSQL_PASSWORD_FILE", fmt.Sprintf("/dev/fd/%d", read.Fd())))
	want := ""
	for _, file := range files {
		want += "applied " + filepath.Base(file) + "\n"
	}
	want += "counted 1 submissions for the results\n"
	if err != nil || out != want {
		t.Errorf("migrate = %q, %v, want %q", out, err, want)
	}
	environ = with(environ, "MYSQL_USER", "migrator")
	want = "the schema is up to date\n"
	if out, err := migrate(environ); err != nil || out != want {
		t.Errorf("migrate again = %q, %v, want %q", out, err, want)
	}
	// An older version goes on counting. Its keys contain zero-width spaces.
	_, err = root.Exec("INSERT INTO tallies (scope, name, n) VALUES " +
		"('food', 'pie\u200b', 1), ('food:pie\u200b', 'Pie\u200b', 1)")
	if err != nil {
		t.Fatal(err)
	}
	want = "merged 1 spellings of foods in the results\nthe schema is up to date\n"
	if out, err := migrate(environ); err != nil || out != want {
		t.Errorf("migrate after an older version has counted = %q, %v, want %q", out, err, want)
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
	wantStored(t, p.url, form)
	var results testsite.Answer
	testsite.Folded(t, func() { results = get(t, p.url+"/results") })
	wantBody(t, results, "<bdi>Older pie</bdi>", "<bdi>Pizza</bdi>")

	if out, err := migrate(embedded(t)); err != nil || !strings.Contains(out, "up to date") {
		t.Errorf("migrate of the SQLite files = %q, %v, want them up to date", out, err)
	}
}
