//go:build servers

package database_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/tally"
	"simpleapp/internal/testsite"
)

// serverDefaults lists settings of a MySQL server that change what the same SQL does. reset
// restores the usual setting.
var serverDefaults = []struct{ set, reset string }{
	{"autocommit = 0", "autocommit = 1"},
	{"completion_type = 1", "completion_type = 0"},
	{"completion_type = 2", "completion_type = 0"},
	{"sql_mode = ''", "sql_mode = DEFAULT"},
	{"sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PIPES_AS_CONCAT'", "sql_mode = DEFAULT"},
	{"sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,NO_UNSIGNED_SUBTRACTION,IGNORE_SPACE'",
		"sql_mode = DEFAULT"},
	{"sql_select_limit = 1", "sql_select_limit = DEFAULT"},
	{"max_join_size = 1", "max_join_size = DEFAULT"},
	{"sql_safe_updates = 1", "sql_safe_updates = 0"},
	{"unique_checks = 0", "unique_checks = 1"},
	{"TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
		"TRANSACTION ISOLATION LEVEL REPEATABLE READ"},
	{"TRANSACTION ISOLATION LEVEL SERIALIZABLE",
		"TRANSACTION ISOLATION LEVEL REPEATABLE READ"},
	{"TRANSACTION READ ONLY", "TRANSACTION READ WRITE"},
	{"init_connect = 'SET NAMES latin1, autocommit = 0'", "init_connect = ''"},
	{"character_set_server = latin1", "character_set_server = utf8mb4"},
	{"time_zone = '+05:45'", "time_zone = '+00:00'"},
}

// setGlobal changes a default of the server until the test ends. It applies to connections that are
// opened afterwards.
func setGlobal(t *testing.T, set, reset string) {
	t.Helper()
	root := testsite.MySQL().Root()
	if _, err := root.Exec("SET GLOBAL " + set); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := root.Exec("SET GLOBAL " + reset); err != nil {
			t.Error(err)
		}
		root.Close()
	})
}

// With any defaults of the server, other connections see a stored submission at once, and nothing
// is truncated, lost or stored twice.
func TestServerDefaultsChangeNothing(t *testing.T) {
	for _, setting := range serverDefaults {
		t.Run(setting.set, func(t *testing.T) {
			if err := testsite.MySQL().Empty(); err != nil {
				t.Fatal(err)
			}
			setGlobal(t, setting.set, setting.reset)
			writer := testsite.New(t, testsite.OpenMySQL(t, testsite.MySQL().Addr))
			reader := testsite.New(t, testsite.OpenMySQL(t, testsite.MySQL().Addr))
			if err := reader.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			foods := []string{"寿司 🍣", `\'; "x" || 'y' -- `, "Crème brûlée"}
			for i, favourite := range foods {
				writer.AddFood(t, favourite, []string{"GB", "SG", "DE"}[i], time.Now().UTC())
				records, err := reader.Recent(t.Context(), 5)
				if err != nil || len(records) != i+1 ||
					records[0].FavouriteFood != strings.TrimSpace(favourite) ||
					time.Since(records[0].AddedAt).Abs() > time.Hour {
					t.Fatalf("after %d submissions the newest are %v, %v, want %q first",
						i+1, records, err, favourite)
				}
				// The writer may be folding the row of the log at this moment.
				testsite.Eventually(t, "the results have each submission", func() error {
					r := reader.Results(t, time.UTC)
					recent := r.Days[29].N + r.Days[28].N // midnight may have passed
					if len(r.Foods) != i+1 || len(r.Countries) != i+1 || recent != int64(i+1) {
						return fmt.Errorf("after %d submissions the results are %v", i+1, r)
					}
					return nil
				})
			}

			long := testsite.Submission()
			long.FirstName = strings.Repeat("x", 101)
			if err := writer.Add(long); !errors.Is(err, food.ErrNotStored) {
				t.Errorf("Add of 101 characters = %v, want ErrNotStored", err)
			}
			// Two instances receive the same tokens at the same time.
			subs := make([]food.Submission, 50)
			for i := range subs {
				subs[i] = testsite.Submission()
			}
			var visitors sync.WaitGroup
			for _, s := range []*testsite.Site{writer, reader} {
				for _, sub := range subs {
					visitors.Go(func() {
						if err := s.Store(sub); err != nil {
							t.Errorf("Store = %v", err)
						}
					})
				}
			}
			visitors.Wait()
			other := subs[0]
			other.FirstName = "Grace"
			var conflict *food.ConflictError
			if err := reader.Store(other); !errors.As(err, &conflict) {
				t.Errorf("Store of the same token with other answers = %v, want a conflict", err)
			}
			if records, err := writer.Recent(t.Context(), 100); err != nil || len(records) != 53 {
				t.Errorf("%d submissions are stored, %v, want 53", len(records), err)
			}
			testsite.Eventually(t, "the results have each submission", func() error {
				r := writer.Results(t, time.UTC)
				if want := (tally.Count{Name: "Pizza", N: 50}); r.Foods[0] != want {
					return fmt.Errorf("the first food = %v, want %v", r.Foods[0], want)
				}
				return nil
			})
		})
	}
}

// Migrations do not depend on the server's defaults either.
func TestServerDefaultsDoNotChangeMigrations(t *testing.T) {
	for _, setting := range serverDefaults {
		name, _ := testsite.OldDatabase(t, 30)
		t.Run(setting.set, func(t *testing.T) {
			setGlobal(t, setting.set, setting.reset)
			for _, want := range []int{30, 0} {
				m, err := testsite.Migrate(t, name)
				if err != nil || m.Counted != want {
					t.Errorf("migrate = %v, %v, want %d submissions counted", m, err, want)
				}
			}
		})
		testsite.WantTallies(t, name)
	}
}

// A session that holds a lock and says nothing, as if its machine had died, keeps others waiting
// for twenty seconds, not for minutes.
func TestLocksOfADeadProgramAreFreed(t *testing.T) {
	root := testsite.MySQL().Root()
	defer root.Close()
	_, err := root.Exec("INSERT INTO tallies (scope, name, n) VALUES ('dead', 'x', 1)")
	if err != nil {
		t.Fatal(err)
	}
	dead := testsite.OpenMySQL(t, testsite.MySQL().Addr)
	defer dead.Close()
	const lock = "SELECT n FROM tallies WHERE scope = 'dead' FOR UPDATE"
	var n int
	held, err := dead.Begin()
	if err == nil {
		err = held.QueryRow(lock).Scan(&n)
	}
	if err != nil {
		t.Fatal(err)
	}
	other, err := root.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	began := time.Now()
	err = other.QueryRow(lock).Scan(&n) // waits for 50 s at most
	if took := time.Since(began); err != nil || took > 40*time.Second {
		t.Errorf("lock a row that a silent session holds: %v after %v, want it within 20 s",
			err, took)
	}
	if err := held.Commit(); err == nil {
		t.Error("the silent session still holds its lock, want that the server has ended it")
	}
}
