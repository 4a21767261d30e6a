package deploy

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"simpleapp/test/engine"
)

// olderSchema gives a database the schema and the grants of the first version.
const olderSchema = `
DROP TABLE IF EXISTS goose_db_version;
DROP TABLE tallies, tally_log, visit_total, acme;
ALTER TABLE submissions DROP COLUMN tallied;
REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'simpleapp'@'%';
GRANT SELECT, INSERT ON simple_db.submissions TO 'simpleapp'@'%';
`

// olderRow is a submission that one of those versions has stored.
const olderRow = `
INSERT INTO submissions (token, first_name, last_name, favourite_food, country, created_at)
  VALUES (REPEAT('0', 32), 'Ada', 'Lovelace', 'Older pie', 'GB', UTC_TIMESTAMP(3));
`

// olderRoot gives root a password, as those versions did.
const olderRoot = `
ALTER USER root@localhost IDENTIFIED WITH caching_sha2_password BY 'a password of an older version';
`

// asRoot runs SQL statements in a container of db as root and returns the answer.
func asRoot(t testing.TB, container, statements string) string {
	t.Helper()
	out, err := tryDocker("exec", container, "db-admin", "--skip-column-names",
		"--default-character-set=utf8mb4", "--execute", statements, "simple_db")
	if err != nil {
		t.Fatalf("%s: %v\n%s", statements, err, out)
	}
	return out
}

// wantMigrated checks that a database has the present schema, that every submission is counted, and
// that the account of the migration is gone.
func wantMigrated(t testing.TB, container string) {
	t.Helper()
	const files = "app/internal/database/migrations/mysql/*.sql"
	migrations, err := filepath.Glob(filepath.Join(engine.Root, files))
	if err != nil || migrations == nil {
		t.Fatalf("the migrations are %q: %v", migrations, err)
	}
	wantCounted(t, container)
	awaitAnswer(t, container, "the database is migrated", `SELECT
		(SELECT MAX(version_id) FROM goose_db_version),
		(SELECT GROUP_CONCAT(user, '@', host) FROM mysql.user WHERE user LIKE '%migrat%')`,
		fmt.Sprintf("%d\tNULL", len(migrations)))
}

// wantCounted checks that every submission is counted. The app adds the rows of tally_log to
// tallies some time after it has stored a submission.
func wantCounted(t testing.TB, container string) {
	t.Helper()
	awaitAnswer(t, container, "every submission is counted", `SELECT
		(SELECT COUNT(*) FROM submissions WHERE NOT tallied),
		(SELECT COUNT(*) FROM submissions)
			- (SELECT SUM(n) FROM tallies WHERE scope = 'country')`, "0\t0")
}

// awaitAnswer waits until the answer to a query is as wanted.
func awaitAnswer(t testing.TB, container, what, query, want string) {
	t.Helper()
	engine.Eventually(t, what, func() error {
		if got := strings.TrimSpace(asRoot(t, container, query)); got != want {
			return fmt.Errorf("%s: %q, want %q", query, got, want)
		}
		return nil
	})
}

// migrate does what make migrate does. make migrate itself works only on the project of the
// repository's folder.
func (p *project) migrate() (string, error) {
	return engine.Run("mysql_db/administer", p.container("db"), engine.Image("app"), "migrate")
}

// The first start of MySQL runs the migrations without noting them. The first migrate notes them.
func freshDatabase(p *project) {
	checkKept := p.submitAndVisit()
	noted := asRoot(p, p.container("db"), "SHOW TABLES LIKE 'goose_db_version'")
	if strings.TrimSpace(noted) != "" {
		p.Errorf("a fresh database has the table %s, which mysql_db/README.md denies", noted)
	}
	for _, want := range []string{"applied 00001_submissions.sql", "up to date"} {
		out, err := p.migrate()
		if err != nil || !strings.Contains(out, want) {
			p.Errorf("mysql_db/administer of a fresh database: %v, want %q\n%s", err, want, out)
		}
	}
	wantMigrated(p, p.container("db"))
	checkKept("the migration of a fresh database")
}

// On the volume of an older version the app names the remedy, and is healthy once that is done.
func olderVolume(p *project) {
	p.compose("stop", "app")
	asRoot(p, p.container("db"), olderSchema+olderRow+olderRoot)
	if out, err := tryDocker("exec", p.container("db"), "db-admin"); err == nil {
		p.Errorf("db-admin needs no password on the volume of an older version:\n%s", out)
	}
	p.compose("restart", "db")
	p.awaitHealthy("db")
	start := time.Now()
	p.compose("start", "app")
	p.awaitLogSince(start, "app", "make migrate")
	if out, err := tryDocker("exec", p.container("app"), "/simpleapp", "healthcheck"); err == nil {
		p.Errorf("the app is healthy on an older schema: %s", out)
	}
	out, err := p.migrate()
	if err != nil || !strings.Contains(out, "applied 00002_tallies.sql") ||
		!strings.Contains(out, "counted ") {
		p.Fatalf("mysql_db/administer: %v\n%s", err, out)
	}
	p.awaitHealthy("app")
	if page := p.visitor().get("/results"); !strings.Contains(page, "Older pie") {
		p.Errorf("/results does not count the submission that an older version stored:\n%s", page)
	}
	wantMigrated(p, p.container("db"))
	if again, err := p.migrate(); err != nil || !strings.Contains(again, "up to date") {
		p.Errorf("mysql_db/administer again: %v\n%s", err, again)
	}
	appRights(p)
}
