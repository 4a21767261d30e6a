package database_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"simpleapp/internal/database"
)

// The file has private keys and tokens, so no other user of the machine may read it, or what SQLite
// keeps beside it. An older version made these files readable for everybody.
func TestSQLiteFilesArePrivate(t *testing.T) {
	for _, test := range []struct {
		name  string
		older func(t *testing.T, path string)
	}{
		{"new", func(*testing.T, string) {}},
		{"of an older version", func(t *testing.T, path string) {
			db, err := database.OpenSQLite(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() }) // it still runs: the files beside it exist
			for _, file := range files(t, path) {
				if err := os.Chmod(file, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "submissions.db")
			test.older(t, path)
			db, err := database.OpenSQLite(path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			found := files(t, path)
			if len(found) != 3 {
				t.Errorf("the files are %q, want the database, -wal and -shm", found)
			}
			for _, file := range found {
				info, err := os.Stat(file)
				if err != nil {
					t.Fatal(err)
				}
				if info.Mode() != 0o600 {
					t.Errorf("%s has the mode %v, want %v", file, info.Mode(), fs.FileMode(0o600))
				}
			}
		})
	}
}

// files returns the files of a SQLite database.
func files(t *testing.T, path string) []string {
	t.Helper()
	found, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	return found
}
