//go:build servers

package testsite

import (
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"simpleapp/internal/database"
	"simpleapp/internal/food"
	"simpleapp/internal/tally"
	"simpleapp/internal/testserver"
)

func init() {
	Databases = append(Databases, Database{"MySQL", openEmptyMySQL})
}

func openEmptyMySQL(t testing.TB) *database.DB {
	t.Helper()
	if err := MySQL().Empty(); err != nil {
		t.Fatal(err)
	}
	return OpenMySQL(t, MySQL().Addr)
}

// EmptyMySQL returns a site over the app's MySQL database, without submissions.
func EmptyMySQL(t testing.TB) *Site {
	t.Helper()
	return New(t, openEmptyMySQL(t))
}

var running *testserver.Server

// MySQL returns the server that all tests of a package share. The first call starts it.
var MySQL = sync.OnceValue(func() *testserver.Server {
	server, err := testserver.StartMySQL()
	if err != nil {
		log.Fatal(err)
	}
	running = server
	return server
})

// Main runs the tests of a package, and then stops the server. TestMain calls it.
func Main(m *testing.M) {
	code := m.Run()
	var err error
	if running != nil {
		err = running.Close()
	}
	testserver.Exit(code, err)
}

// Config returns the configuration of a user and a database of the server.
func Config(user, name string) database.MySQLConfig {
	return database.MySQLConfig{Addrs: []string{MySQL().Addr}, Database: name, User: user,
		Password: func() (string, error) { return MySQL().Password, nil }}
}

// OpenMySQL opens the app's database with the app's account. The servers are at addrs.
func OpenMySQL(t testing.TB, addrs ...string) *database.DB {
	t.Helper()
	cfg := Config(testserver.User, testserver.Database)
	cfg.Addrs = addrs
	return OpenConfig(t, cfg)
}

// OpenConfig opens the database of a configuration.
func OpenConfig(t testing.TB, cfg database.MySQLConfig) *database.DB {
	t.Helper()
	db, err := database.OpenMySQL(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// Migrator is an account with the rights of the account that mysql_db/administer creates.
const Migrator = "simpleapp_migrator"

// OldDatabase creates a MySQL database with the schema of the versions without tallies, and stores
// as many submissions in it as rows says. It returns the name of the database, and a connection of
// the administrator to it.
func OldDatabase(t testing.TB, rows int) (name string, root *sql.DB) {
	t.Helper()
	name = "old_" + food.NewToken()[:8]
	root = MySQL().Root()
	_, here, _, _ := runtime.Caller(0)
	first, err := os.ReadFile(filepath.Join(filepath.Dir(here),
		"../database/migrations/mysql/00001_submissions.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"CREATE DATABASE " + name, "USE " + name, string(first),
		fmt.Sprintf("GRANT SELECT, INSERT ON submissions TO '%s'@'%%'", testserver.User),
		fmt.Sprintf("CREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY '%s'",
			Migrator, MySQL().Password),
		fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP "+
			"ON %s.* TO '%s'@'%%'", name, Migrator),
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
	StoreOld(t, root, rows)
	return name, root
}

// A Migration is the result of Migrate.
type Migration struct {
	Applied []string
	tally.Upgrade
}

// Migrate does to a database what `simpleapp migrate` does.
func Migrate(t testing.TB, name string) (m Migration, err error) {
	db, applied, err := database.MigrateMySQL(t.Context(), Config(Migrator, name))
	if err != nil {
		return m, err
	}
	upgrade, err := tally.New(db).Upgrade(t.Context())
	return Migration{applied, upgrade}, errors.Join(err, db.Close())
}

// WantTallies checks that the tallies of a database equal the sums of its submissions.
func WantTallies(t testing.TB, name string) {
	t.Helper()
	if wrong, err := MySQL().Miscounted(name); err != nil || wrong != nil {
		t.Errorf("the tallies of %s: %s, %v", name, wrong, err)
	}
}
