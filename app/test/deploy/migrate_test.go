package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// older makes a database what the versions before the tallies left: their schema, their grants and a row.
const older = `
DROP TABLE IF EXISTS goose_db_version;
DROP TABLE tallies, tally_log;
ALTER TABLE submissions DROP COLUMN tallied;
REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'simpleapp'@'%';
GRANT SELECT, INSERT ON simple_db.submissions TO 'simpleapp'@'%';
INSERT INTO submissions (token, first_name, last_name, favourite_food, country, created_at)
  VALUES (REPEAT('0', 32), 'Ada', 'Lovelace', 'Older pie', 'GB', UTC_TIMESTAMP(3));
`

// asRoot runs SQL in a container of db.
func asRoot(t testing.TB, container, statements string) string {
	t.Helper()
	out, err := command(interrupted, "", "docker", "exec", container, "db-admin",
		"--skip-column-names", "--default-character-set=utf8mb4", "--execute", statements, "simple_db")
	if err != nil {
		t.Fatalf("%s: %v\n%s", statements, err, out)
	}
	return out
}

// migrated checks that a database has been brought up to date by an account that is no more.
func migrated(t testing.TB, container string) {
	t.Helper()
	for query, want := range map[string]string{
		"SELECT COUNT(*) FROM submissions WHERE NOT tallied":                                               "0",
		"SELECT (SELECT COUNT(*) FROM submissions) - (SELECT SUM(n) FROM tallies WHERE scope = 'country')": "0",
		"SELECT GROUP_CONCAT(user, '@', host) FROM mysql.user WHERE user LIKE '%migrat%'":                  "NULL",
		"SELECT MAX(version_id) FROM goose_db_version":                                                     "2",
	} {
		eventually(t, "the database is migrated", func() error { // the log may not be folded yet
			if got := strings.TrimSpace(asRoot(t, container, query)); got != want {
				return fmt.Errorf("%s: %s, want %s", query, got, want)
			}
			return nil
		})
	}
}

// The first start of MySQL runs the migrations without noting them. The first migrate notes them.
func freshDatabase(p *project) {
	check := p.kept()
	noted := asRoot(p, p.container("db"), "SHOW TABLES LIKE 'goose_db_version'")
	if strings.TrimSpace(noted) != "" {
		p.Errorf("a fresh database has the table %s, which mysql_db/README.md denies", noted)
	}
	for _, want := range []string{"applied 00001_submissions.sql", "up to date"} {
		out, err := command(interrupted, root, "mysql_db/migrate", p.container("db"), image("app"))
		if err != nil || !strings.Contains(out, want) {
			p.Errorf("mysql_db/migrate of a fresh database: %v, want %q\n%s", err, want, out)
		}
	}
	migrated(p, p.container("db"))
	check("the migration of a fresh database")
}

// A volume of an older version: the app says what to do, and is healthy once it is done.
func olderVolume(p *project) {
	p.compose("stop", "app")
	asRoot(p, p.container("db"), older)
	p.compose("start", "app")
	p.awaitLog("app", "make migrate")
	if out, err := command(interrupted, "", "docker", "exec", p.container("app"), "/simpleapp", "healthcheck"); err == nil {
		p.Errorf("the app is healthy on an older schema: %s", out)
	}
	// make works in the repository; this is the same for the copy.
	out, err := command(interrupted, root, "mysql_db/migrate", p.container("db"), image("app"))
	if err != nil || !strings.Contains(out, "applied 00002_tallies.sql") || !strings.Contains(out, "counted ") {
		p.Fatalf("mysql_db/migrate: %v\n%s", err, out)
	}
	p.awaitHealthy("app")
	if page := p.visitor().get("/results"); !strings.Contains(page, "Older pie") {
		p.Errorf("/results does not count what an older version has stored:\n%s", page)
	}
	migrated(p, p.container("db"))
	if out, err := command(interrupted, root, "mysql_db/migrate", p.container("db"), image("app")); err != nil || !strings.Contains(out, "up to date") {
		p.Errorf("mysql_db/migrate again: %v\n%s", err, out)
	}
	leastPrivilege(p)
	// Nothing on the way has shown a password.
	password, err := os.ReadFile(filepath.Join(p.dir, "devsecrets", "mysql_root_password"))
	if err != nil || strings.Contains(out, strings.TrimSpace(string(password))) {
		p.Errorf("mysql_db/migrate shows root's password (%v)", err)
	}
}
