//go:build servers

package database_test

import (
	_ "modernc.org/sqlite"
	"os"
	"path/filepath"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

func TestMain(m *testing.M) { testsite.Main(m) }

// The db image makes a fresh database by running the files of the migrations. goose applies them once
// more, and notes that.
func TestMigrationsCanBeRepeated(t *testing.T) {
	name, root := testsite.OldDatabase(t, 3)
	files, err := filepath.Glob("migrations/mysql/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	for range 2 {
		for _, file := range files {
			statements, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := root.Exec(string(statements)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	for _, want := range []int{len(files), 0} {
		m, err := testsite.Migrate(t, name)
		if err != nil || len(m.Applied) != want {
			t.Errorf("migrate = %v, %v, want %d migrations", m, err, want)
		}
	}
	testsite.WantTallies(t, name)
}

// A change waits for who works with the table, but nobody waits long for the change.
func TestMigrateHoldsNobodyUp(t *testing.T) {
	name, root := testsite.OldDatabase(t, 3)
	reader := testsite.MySQL().As(testsite.Migrator, name) // a backup, say
	defer reader.Close()
	tx, err := reader.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var n int
	if err := tx.QueryRow("SELECT COUNT(*) FROM submissions").Scan(&n); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() {
		_, err := testsite.Migrate(t, name)
		migrated <- err
	}()
	// Both while the change waits and once it has given up for a moment.
	for waits, deadline := 0, time.Now().Add(30*time.Second); waits < 2 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var waiting int
		if err := root.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock'").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if waiting == 0 {
			continue
		}
		waits++
		began := time.Now()
		testsite.StoreOld(t, root, 1)
		if took := time.Since(began); took > 20*time.Second { // two, on a calm machine; the lock itself is held until the end
			t.Errorf("a submission waited %v", took)
		}
	}
	select {
	case err := <-migrated:
		t.Fatalf("migrate = %v while the table was in use", err)
	default:
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Errorf("migrate = %v", err)
	}
}

// A newer version has changed the schema and was rolled back.
func TestMigrateLeavesANewerSchema(t *testing.T) {
	name, root := testsite.OldDatabase(t, 0)
	files, err := filepath.Glob("migrations/mysql/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{len(files), 0} {
		m, err := testsite.Migrate(t, name)
		if err != nil || len(m.Applied) != want {
			t.Errorf("migrate = %v, %v, want %d migrations", m, err, want)
		}
		if _, err := root.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, TRUE)"); err != nil {
			t.Fatal(err)
		}
	}
}
