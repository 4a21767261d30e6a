package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"simpleapp/internal/database"
)

// rememberVisits makes the embedded database of a site remember n visits. The database stays open
// until the end of the test.
func rememberVisits(t *testing.T, environ map[string]string, n int) *database.DB {
	t.Helper()
	db, err := database.OpenSQLite(filepath.Join(environ["DATA_DIR"], "submissions.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec("UPDATE visit_total SET total = ?", n); err != nil {
		t.Fatal(err)
	}
	return db
}

// If the store of the visits has lost its data, export and import go on from what the database
// remembers, as the site does.
func TestCommandsKnowTheRememberedVisits(t *testing.T) {
	environ := embedded(t)
	mustCall(t, environ, `{"visits": 1, "submissions": []}`, "import")
	rememberVisits(t, environ, 100)
	if got := visitsIn(t, exportAll(t, environ)); got != 100 {
		t.Errorf("export has %d visits, want the 100 that the database remembers", got)
	}
	mustCall(t, environ, `{"visits": 5, "submissions": []}`, "import")
	if got := visitsIn(t, exportAll(t, environ)); got != 105 {
		t.Errorf("%d visits after an import of 5, want 105", got)
	}
}

// passwordFile returns a new file with this content.
func passwordFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The submissions need a backup also while the cache is lost. The database knows the visits.
func TestExportNeedsNoCache(t *testing.T) {
	environ := embedded(t)
	mustCall(t, environ, "", "seed", "--n", "3")
	db := rememberVisits(t, environ, 100)
	password := passwordFile(t, "secret")
	var out, errors strings.Builder
	withoutCache := invocation{args: []string{"export", "--format", "json", "--visits"},
		environ: with(environ, "REDIS_ADDR", "127.0.0.1:1", "REDIS_PASSWORD_FILE", password),
		stdout:  &out, stderr: &errors}
	err := run(t.Context(), withoutCache)
	if err != nil {
		t.Fatalf("export without the cache = %v", err)
	}
	if n := visitsIn(t, out.String()); n != 100 || strings.Count(out.String(), `"token"`) != 3 {
		t.Errorf("export without the cache = %s, want 3 submissions and 100 visits", out.String())
	}
	if want := "the number of visits is the one that the database remembers"; !strings.Contains(
		errors.String(), want) {
		t.Errorf("export without the cache says %q, want %q", errors.String(), want)
	}
	// A site that is restored from a backup without the count would have no visits.
	if _, err := db.Exec("DROP TABLE visit_total"); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	err = run(t.Context(), withoutCache)
	if err == nil || !strings.HasPrefix(err.Error(), "--visits: ") || out.String() != "" {
		t.Errorf("export without any count = %q, %v, want an error", out.String(), err)
	}
}

// A mistyped DATA_DIR is no empty site: a backup of it would be empty, and nobody would notice.
func TestCommandsThatReadMakeNoSite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "typo")
	environ := map[string]string{"DATA_DIR": dir,
		"DOMAIN": "food.example.com", "ACME_EMAIL": "me@example.com"}
	for _, args := range []string{"export", "export --format json --visits",
		"forget 3f9a-2c71-b04e", "certificate"} {
		out, err := call(t, environ, "", strings.Fields(args)...)
		want := "DATA_DIR: " + dir + " has no submissions.db: " +
			"set DATA_DIR to the folder of the site"
		if err == nil || err.Error() != want || out != "" {
			t.Errorf("%s = %q, %v, want %q", args, out, err, want)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s has made the folder", args)
		}
	}
	mustCall(t, environ, "", "seed")
	mustCall(t, environ, "", "export")
}

// A program that stops tells the database its last visits, which the store may lose afterwards.
func TestDatabaseKnowsTheVisitsOfAStoppedProgram(t *testing.T) {
	environ := embedded(t)
	p := startReady(t, environ)
	visits := p.visit()
	p.stop()
	if err := <-p.ended; err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(environ["DATA_DIR"], "visits.db")); err != nil {
		t.Fatal(err)
	}
	if got := visitsIn(t, exportAll(t, environ)); got != visits {
		t.Errorf("after the loss of the store there are %d visits, want %d", got, visits)
	}
}

// No other user of the machine can read the files in DATA_DIR, also if the folder was there before.
func TestDataFilesArePrivate(t *testing.T) {
	environ := embedded(t)
	if err := os.Chmod(environ["DATA_DIR"], 0o755); err != nil {
		t.Fatal(err)
	}
	startReady(t, environ)
	entries, err := os.ReadDir(environ["DATA_DIR"])
	if err != nil || len(entries) != 6 {
		t.Errorf("DATA_DIR has %v, %v, want two databases with -wal and -shm", entries, err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s has the mode %v, want -rw-------", info.Name(), info.Mode())
		}
	}
}
