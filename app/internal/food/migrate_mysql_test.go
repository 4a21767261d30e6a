//go:build servers

package food_test

import (
	"database/sql"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"simpleapp/internal/food"
	"simpleapp/internal/testserver"
)

// migrator is the account that mysql_db/migrate makes.
const migrator = "simpleapp_migrator"

func mysqlConfig(user, database string) food.MySQLConfig {
	return food.MySQLConfig{Addr: mysqlServer.Addr, Database: database, User: user,
		Password: func() (string, error) { return mysqlServer.Password, nil }}
}

// oldDatabase makes a MySQL database with the schema from before there were migrations, and so many submissions.
func oldDatabase(t *testing.T, rows int) (name string, root *sql.DB) {
	t.Helper()
	name = strings.ToLower("old_" + food.NewToken()[:8])
	root = mysqlServer.Root()
	first, err := os.ReadFile("migrations/mysql/00001_submissions.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"CREATE DATABASE " + name, "USE " + name, string(first),
		fmt.Sprintf("GRANT SELECT, INSERT ON submissions TO '%s'@'%%'", testserver.User),
		fmt.Sprintf("CREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY '%s'", migrator, mysqlServer.Password),
		fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP ON %s.* TO '%s'@'%%'", name, migrator),
	} {
		if _, err := root.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	t.Cleanup(func() {
		if _, err := root.Exec("DROP DATABASE " + name); err != nil {
			t.Error(err)
		}
		root.Close()
	})
	storeOld(t, root, rows)
	return name, root
}

func wellCounted(t *testing.T, database string) {
	t.Helper()
	if wrong, err := mysqlServer.Miscounted(database); err != nil || wrong != nil {
		t.Errorf("the tallies of %s: %s, %v", database, wrong, err)
	}
}

func TestMigrateCountsEveryOldRowOnce(t *testing.T) {
	name, root := oldDatabase(t, 12_000)
	old, err := food.OpenMySQL(mysqlConfig(testserver.User, name), quiet, unobserved)
	closeAtEnd(t, old, err)
	if err := old.Ping(t.Context()); err == nil {
		t.Error("Ping of an old schema = nil: a version that can't work there would be healthy")
	}

	// Three at once.
	var done [3]food.Migration
	var group sync.WaitGroup
	for i := range done {
		group.Go(func() {
			var err error
			if done[i], err = food.MigrateMySQL(t.Context(), mysqlConfig(migrator, name), quiet); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	var applied []string
	counted := 0
	for _, m := range done {
		applied = append(applied, m.Applied...)
		counted += m.Counted
	}
	if fmt.Sprint(applied) != "[00001_submissions.sql 00002_tallies.sql]" || counted != 12_000 {
		t.Errorf("applied %v, counted %d rows, want both migrations once and 12000", applied, counted)
	}
	wellCounted(t, name)

	// Old versions run on for a while, beside new ones.
	storeOld(t, root, 30)
	for _, table := range []string{"tallies", "tally_log"} {
		if _, err := root.Exec(fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO '%s'@'%%'", table, testserver.User)); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Ping(t.Context()); err != nil {
		t.Errorf("Ping of the new schema = %v", err)
	}
	add(t, old, "Pizza", "SG", time.Now().UTC())
	for _, want := range []int{30, 0} {
		if m, err := food.MigrateMySQL(t.Context(), mysqlConfig(migrator, name), quiet); err != nil || m.Applied != nil || m.Counted != want {
			t.Errorf("migrate again = %v, %v, want %d rows counted", m, err, want)
		}
		results(t, old, time.UTC)
		wellCounted(t, name)
	}
	var firstName string
	if err := root.QueryRow("SELECT first_name FROM submissions WHERE token = (SELECT token FROM submissions ORDER BY id DESC LIMIT 1)").Scan(&firstName); err != nil || firstName != "Ada" {
		t.Errorf("an old version's SELECT = %q, %v", firstName, err)
	}
}

// A database that was migrated has the very tables of a fresh one.
func TestMigratedAndFreshSchemasAreTheSame(t *testing.T) {
	name, root := oldDatabase(t, 3)
	// Cut short half-way: MySQL keeps what was done.
	if _, err := root.Exec("ALTER TABLE submissions ADD COLUMN tallied BOOLEAN NOT NULL DEFAULT FALSE"); err != nil {
		t.Fatal(err)
	}
	if _, err := food.MigrateMySQL(t.Context(), mysqlConfig(migrator, name), quiet); err != nil {
		t.Fatal(err)
	}
	schema := func(database string) map[string]string {
		tables := make(map[string]string)
		rows, err := root.Query("SELECT table_name FROM information_schema.tables WHERE table_schema = ?", database)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var names []string
		for rows.Next() {
			var table string
			if err := rows.Scan(&table); err != nil {
				t.Fatal(err)
			}
			names = append(names, table)
		}
		for _, table := range names {
			var create string
			if err := root.QueryRow("SHOW CREATE TABLE "+database+"."+table).Scan(&table, &create); err != nil {
				t.Fatal(err)
			}
			tables[table] = regexp.MustCompile(` AUTO_INCREMENT=\d+`).ReplaceAllString(create, "")
		}
		var versions string
		if err := root.QueryRow("SELECT GROUP_CONCAT(version_id, is_applied ORDER BY id) FROM " + database + ".goose_db_version").Scan(&versions); err != nil {
			t.Fatal(err)
		}
		tables["versions"] = versions
		return tables
	}
	fresh, migrated := schema(testserver.Database), schema(name)
	if len(fresh) != 5 {
		t.Errorf("a fresh database has %d tables, want 4", len(fresh)-1)
	}
	for table, create := range fresh {
		if migrated[table] != create {
			t.Errorf("%s\nfresh    %s\nmigrated %s", table, create, migrated[table])
		}
		delete(migrated, table)
	}
	if len(migrated) > 0 {
		t.Errorf("only a migrated database has %v", migrated)
	}
}

// A change waits for who works with the table, but nobody waits long for the change.
func TestMigrateHoldsNobodyUp(t *testing.T) {
	name, root := oldDatabase(t, 3)
	reader := mysqlServer.As(migrator, name) // a backup, say
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
		_, err := food.MigrateMySQL(t.Context(), mysqlConfig(migrator, name), quiet)
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
		storeOld(t, root, 1)
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
	wellCounted(t, name)
}

// A newer version has changed the schema and was rolled back.
func TestMigrateLeavesANewerSchema(t *testing.T) {
	name, root := oldDatabase(t, 0)
	for _, want := range []int{2, 0} {
		m, err := food.MigrateMySQL(t.Context(), mysqlConfig(migrator, name), quiet)
		if err != nil || len(m.Applied) != want {
			t.Errorf("migrate = %v, %v, want %d migrations", m, err, want)
		}
		if _, err := root.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, TRUE)"); err != nil {
			t.Fatal(err)
		}
	}
}
