//go:build servers

package tally_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/database"
	"simpleapp/internal/food"
	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

func TestMain(m *testing.M) { testsite.Main(m) }

// Two instances store, fold and read concurrently while their connections are killed. Every
// submission must be counted once.
func TestTalliesAreExactWhenConnectionsAreLost(t *testing.T) {
	first := testsite.EmptyMySQL(t)
	second := testsite.New(t, testsite.OpenMySQL(t, testsite.MySQL().Addr))
	apps := []*testsite.Site{first, second}
	root := testsite.MySQL().Root()
	defer root.Close()
	stop, stopped := make(chan struct{}), make(chan struct{})
	var kills, lost, confirmed atomic.Int64
	go func() {
		defer close(stopped)
		for {
			rows, err := root.Query("SELECT id FROM information_schema.processlist WHERE user = ?",
				testserver.User)
			if err != nil {
				t.Error(err)
				return
			}
			var ids []int64
			for rows.Next() {
				var id int64
				if err := rows.Scan(&id); err != nil {
					t.Error(err)
				}
				ids = append(ids, id)
			}
			rows.Close()
			for _, id := range ids {
				_, err := root.Exec(fmt.Sprintf("KILL %d", id))
				if err == nil { // an error means that the connection has ended
					kills.Add(1)
				}
			}
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	var visitors sync.WaitGroup
	for i := range 32 {
		visitors.Go(func() {
			for n := range 40 {
				sub := testsite.Submission()
				dish := fmt.Sprintf("Dish %d of %d", n, i)
				sub.FavouriteFood = []string{"Pizza", "pizza", "PIZZA", dish}[(n+i)%4]
				sub.Country = food.Countries()[n].Code
				began := time.Now()
				for apps[i%2].Add(sub) != nil { // the visitor submits it again
					lost.Add(1)
					if time.Since(began) > time.Minute {
						t.Errorf("submission %d of visitor %d was not confirmed in a minute", n, i)
						return
					}
				}
				confirmed.Add(1)
				if n%10 == 0 {
					apps[i%2].Tally.Results(t.Context(), time.UTC)
				}
			}
		})
	}
	visitors.Wait()
	close(stop)
	<-stopped
	t.Logf("%d connections killed, %d submissions confirmed, %d answers were errors",
		kills.Load(), confirmed.Load(), lost.Load())
	if kills.Load() == 0 {
		t.Error("no connection was killed, want many")
	}
	checkTallies(t, apps[0], 32*40)
}

// checkTallies checks that the tallies equal the sums of the submissions, and that the number of
// submissions is rows.
func checkTallies(t *testing.T, s *testsite.Site, rows int64) {
	t.Helper()
	testsite.AwaitTallies(t, testsite.MySQL())
	var sum int64
	for _, day := range s.Results(t, time.UTC).Days {
		sum += day.N
	}
	if sum != rows {
		t.Errorf("%d submissions are counted, want %d", sum, rows)
	}
}

// An instance ends and leaves rows in the log. Other instances fold them, even if nobody requests
// the results. The rows have too many names for one transaction: see foldNames.
func TestOtherInstancesFoldTheLog(t *testing.T) {
	s := testsite.EmptyMySQL(t)
	for range 20 {
		s.AddFood(t, "Pizza", "GB", time.Now().UTC())
	}
	s.StopFolding()
	root := testsite.MySQL().Root()
	defer root.Close()
	const batches, each = 250, 60
	for b := range batches {
		var foods []string
		for i := range each {
			foods = append(foods, fmt.Sprintf(`"Dish %d": 1`, b*each+i))
		}
		_, err := root.Exec("INSERT INTO tally_log (counts) VALUES (?)",
			fmt.Sprintf(`{"foods": {%s}, "countries": {"SG": %d}, "quarters": {%q: %d}}`,
				strings.Join(foods, ","), each, time.Now().UTC().Format("2006-01-02 15:00"), each))
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		testsite.New(t, testsite.OpenMySQL(t, testsite.MySQL().Addr))
	}
	testsite.Within(t, time.Minute, "the log is folded", func() error {
		var left int
		err := root.QueryRow("SELECT COUNT(*) FROM tally_log").Scan(&left)
		if err == nil && left > 0 {
			err = fmt.Errorf("%d rows are left", left)
		}
		return err
	})
	for query, want := range map[string]int64{
		"SELECT SUM(n) FROM tallies WHERE scope = 'country' AND name = 'SG'":      batches * each,
		"SELECT SUM(n) FROM tallies WHERE scope = 'country' AND name = 'GB'":      20,
		"SELECT COUNT(*) FROM tallies WHERE scope = 'food'":                       batches*each + 1,
		"SELECT SUM(n) FROM tallies WHERE scope LIKE 'food:%' AND name = 'Pizza'": 20,
	} {
		var got int64
		if err := root.QueryRow(query).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %d, %v, want %d", query, got, err, want)
		}
	}
}

func TestAppAccountHasOnlyTheRightsItNeeds(t *testing.T) {
	s := testsite.EmptyMySQL(t)
	s.AddFood(t, "Pizza", "GB", time.Now().UTC())
	if err := errors.Join(s.Ping(t.Context()), s.Tally.Ping(t.Context())); err != nil {
		t.Errorf("Ping = %v", err)
	}
	app := testsite.MySQL().As(testserver.User, testserver.Database)
	defer app.Close()
	for _, statement := range []string{
		"ALTER TABLE submissions ADD COLUMN x INT", "CREATE TABLE x (id INT)",
		"CREATE INDEX x ON tallies (n)", "DROP TABLE tallies", "TRUNCATE TABLE tally_log",
		"UPDATE submissions SET tallied = FALSE", "UPDATE tally_log SET counts = ''",
		"DELETE FROM submissions", "DELETE FROM tallies", "SELECT * FROM goose_db_version",
	} {
		if _, err := app.Exec(statement); err == nil || !strings.Contains(err.Error(), "denied") {
			t.Errorf("%s as the app: %v, want it denied", statement, err)
		}
	}
	cfg := testsite.Config(testserver.User, testserver.Database)
	if _, _, err := database.MigrateMySQL(t.Context(), cfg); err == nil {
		t.Error("MigrateMySQL with the app's account = nil, want an error")
	}
}
