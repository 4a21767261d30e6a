//go:build servers

package database_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"simpleapp/internal/testsite"
)

func TestMain(m *testing.M) { testsite.Main(m) }

// The db image creates a new database by running the files of the migrations. goose then applies
// them a second time and records them.
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

// A migration waits until the transactions that use the table have ended. It must not make new
// statements wait for long.
func TestMigrateDoesNotBlockTheApp(t *testing.T) {
	name, root := testsite.OldDatabase(t, 3)
	reader := testsite.MySQL().As(testsite.Migrator, name) // such as a backup
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
	// Without lockWait, a submission would wait until tx ends, and the test would hang. This
	// timeout fails it instead.
	if _, err := root.Exec("SET SESSION lock_wait_timeout = 20"); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() {
		_, err := testsite.Migrate(t, name)
		migrated <- err
	}()
	// Submit twice while a statement waits for the lock. Between the two, the migration may time
	// out and retry.
	for range 2 {
		testsite.Eventually(t, "a statement waits for the lock", func() error {
			var waiting int
			err := root.QueryRow("SELECT COUNT(*) FROM information_schema.processlist " +
				"WHERE state LIKE 'Waiting for table metadata lock'").Scan(&waiting)
			if err == nil && waiting == 0 {
				err = errors.New("none does")
			}
			return err
		})
		testsite.StoreOld(t, root, 1) // it waits about 2 s
	}
	select {
	case err := <-migrated:
		t.Fatalf("migrate = %v while a transaction used the table, want it to wait", err)
	default:
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Errorf("migrate = %v", err)
	}
}

// A newer version of the program has migrated the database and was then rolled back.
func TestMigrateAcceptsANewerSchema(t *testing.T) {
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
		_, err = root.Exec("INSERT INTO goose_db_version (version_id, is_applied) " +
			"VALUES (999, TRUE)")
		if err != nil {
			t.Fatal(err)
		}
	}
}
