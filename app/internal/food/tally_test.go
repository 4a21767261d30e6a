package food_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/test/testserver"
)

// add stores a submission with these answers.
func add(t *testing.T, s *food.Store, favourite, country string, at time.Time) {
	t.Helper()
	sub := valid()
	sub.FavouriteFood, sub.Country, sub.AddedAt = favourite, country, at
	if err := s.Add(sub.Normalized()); err != nil {
		t.Fatal(err)
	}
}

func results(t *testing.T, s *food.Store, zone *time.Location) food.Results {
	t.Helper()
	r, err := s.Results(t.Context(), zone)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestResultsCountSpellingsTogether(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			s := kind.open(t, unobserved)
			if r := results(t, s, time.UTC); len(r.Foods)+len(r.Countries) != 0 || len(r.Days) != 30 {
				t.Errorf("the results of nothing: %v", r)
			}
			for i, favourite := range []string{"Pizza", " pizza ", "PIZZA", "pizza", "cre\u0300me", "cr\u00e8me", "CR\u00c8ME", "🍕", "寿司", "O'Brien's \\ \"stew\"; --"} {
				add(t, s, favourite, []string{"GB", "SG", "DE"}[i%3], time.Now().UTC())
			}
			r := results(t, s, time.UTC)
			// "pizza" is the commonest; "crème" too; what is equal comes in the order of the keys.
			want := []food.Count{{"pizza", 4}, {"cr\u00e8me", 3}, {"O'Brien's \\ \"stew\"; --", 1}, {"寿司", 1}, {"🍕", 1}}
			if !slices.Equal(r.Foods, want) {
				t.Errorf("foods = %v, want %v", r.Foods, want)
			}
			if want := []food.Count{{"United Kingdom", 4}, {"Germany", 3}, {"Singapore", 3}}; !slices.Equal(r.Countries, want) {
				t.Errorf("countries = %v, want %v", r.Countries, want)
			}
			if today := r.Days[29].N + r.Days[28].N; today != 10 { // midnight may have passed
				t.Errorf("%d submissions today, want 10", today)
			}
			// Of two spellings that are equally common one is shown, always the same.
			add(t, s, "PIZZA", "GB", time.Now().UTC())
			if r := results(t, s, time.UTC); r.Foods[0] != (food.Count{Name: "PIZZA", N: 5}) {
				t.Errorf("the first food is %v, want PIZZA, 5 times", r.Foods[0])
			}
			for i := range 20 {
				add(t, s, fmt.Sprintf("Dish %02d", i), food.Countries()[i].Code, time.Now().UTC())
			}
			if r := results(t, s, time.UTC); len(r.Foods) != 10 || len(r.Countries) != 10 || r.Foods[9].Name != "Dish 07" {
				t.Errorf("of many foods and countries: %v, want ten of each", r)
			}
		})
	}
}

// Days begin at midnight of the zone, also where that is no whole hour of UTC.
func TestResultsByDay(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			for _, name := range []string{"UTC", "Asia/Singapore", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "America/New_York"} {
				zone, err := time.LoadLocation(name)
				if err != nil {
					t.Fatal(err)
				}
				s := kind.open(t, unobserved)
				midnight := func(daysAgo int) time.Time {
					now := time.Now().In(zone)
					return time.Date(now.Year(), now.Month(), now.Day()-daysAgo, 0, 0, 0, 0, zone).UTC()
				}
				first, second, today := midnight(29), midnight(28), midnight(0)
				for _, at := range []time.Time{
					first.Add(-time.Millisecond), // too early
					first, second.Add(-time.Millisecond),
					second, second.Add(time.Minute), second.Add(time.Hour),
					today.Add(-time.Millisecond), today, today, today, today,
				} {
					add(t, s, "Pizza", "GB", at)
				}
				r := results(t, s, zone)
				if !midnight(0).Equal(today) {
					continue // it has just passed
				}
				want := make([]int64, 30)
				want[0], want[1], want[28], want[29] = 2, 3, 1, 4
				for i, day := range r.Days {
					if !day.Date.Equal(midnight(29-i)) || day.N != want[i] {
						t.Errorf("%s: day %d is %v with %d, want %d", name, i, day.Date, day.N, want[i])
					}
				}
			}
		})
	}
}

// Two instances store, fold and read at once, while their connections are cut again and again: every row is
// counted once.
func TestTalliesAreExactWhenConnectionsAreLost(t *testing.T) {
	apps := []*food.Store{stores[0].open(t, unobserved), openMySQL(t, mysqlServer.Addr, unobserved)}
	root := mysqlServer.Root()
	defer root.Close()
	over, cut := make(chan struct{}), make(chan struct{})
	var kills, lost, confirmed atomic.Int64
	go func() {
		defer close(cut)
		for {
			rows, err := root.Query("SELECT id FROM information_schema.processlist WHERE user = ?", testserver.User)
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
				if _, err := root.Exec(fmt.Sprintf("KILL %d", id)); err == nil { // else it has gone by itself
					kills.Add(1)
				}
			}
			select {
			case <-over:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	var visitors sync.WaitGroup
	for i := range 32 {
		visitors.Go(func() {
			for n := range 40 {
				sub := valid()
				sub.FavouriteFood = []string{"Pizza", "pizza", "PIZZA", fmt.Sprintf("Dish %d of %d", n, i)}[(n+i)%4]
				sub.Country = food.Countries()[n].Code
				for apps[i%2].Add(sub) != nil { // the visitor sends it again
					lost.Add(1)
				}
				confirmed.Add(1)
				if n%10 == 0 {
					apps[i%2].Results(t.Context(), time.UTC)
				}
			}
		})
	}
	visitors.Wait()
	close(over)
	<-cut
	t.Logf("%d connections cut, %d submissions confirmed, %d answers were errors", kills.Load(), confirmed.Load(), lost.Load())
	checkTallies(t, apps[0], 32*40)
}

// checkTallies compares what is counted with the rows, which are to be so many.
func checkTallies(t *testing.T, s *food.Store, rows int64) {
	t.Helper()
	r := results(t, s, time.UTC)
	var wrong []string
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if wrong, err = mysqlServer.Miscounted(testserver.Database); err == nil && wrong == nil {
			break // another instance may have been folding
		}
	}
	if err != nil || wrong != nil {
		t.Errorf("the tallies are not what the rows add up to: %s, %v", wrong, err)
	}
	var sum int64
	for _, day := range results(t, s, time.UTC).Days {
		sum += day.N
	}
	if sum != rows {
		t.Errorf("%d submissions are counted, want %d (before: %v)", sum, rows, r)
	}
}

// What a process leaves in the log at its end another one folds, in parts if it is much.
func TestALogThatWasLeftIsFolded(t *testing.T) {
	s := stores[0].open(t, unobserved)
	for range 20 {
		add(t, s, "Pizza", "GB", time.Now().UTC())
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	root := mysqlServer.Root()
	defer root.Close()
	const batches, each = 250, 60
	for b := range batches {
		var foods []string
		for i := range each {
			foods = append(foods, fmt.Sprintf(`"Dish %d": 1`, b*each+i))
		}
		_, err := root.Exec("INSERT INTO tally_log (counts) VALUES (?)",
			fmt.Sprintf(`{"foods": {%s}, "countries": {"SG": %d}, "quarters": {%q: %d}}`, strings.Join(foods, ","), each, time.Now().UTC().Format("2006-01-02 15:00"), each))
		if err != nil {
			t.Fatal(err)
		}
	}
	// None of them is asked for results.
	for range 3 {
		openMySQL(t, mysqlServer.Addr, unobserved)
	}
	var left int
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if err := root.QueryRow("SELECT COUNT(*) FROM tally_log").Scan(&left); err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d rows of the log are not folded", left)
		}
	}
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

// Several processes on one file.
func TestSQLiteTalliesOfSeveralProcesses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db")
	var opened [3]*food.Store
	var group sync.WaitGroup
	for i := range opened { // at once, a file that isn't there yet
		group.Go(func() {
			s, err := food.OpenSQLite(file, quiet, unobserved)
			opened[i] = s
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	for _, s := range opened {
		closeAtEnd(t, s, nil)
		for range 5 {
			group.Go(func() {
				for range 20 {
					sub := valid()
					for s.Add(sub) != nil {
					}
				}
			})
		}
	}
	group.Wait()
	deadline := time.Now().Add(30 * time.Second)
	for { // another may be folding
		r := results(t, opened[0], time.UTC)
		if len(r.Foods) == 1 && r.Foods[0].N == 300 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("foods = %v, want 300 pizzas", r.Foods)
		}
	}
}

func TestTheAppCannotChangeWhatItMustNot(t *testing.T) {
	s := stores[0].open(t, unobserved)
	add(t, s, "Pizza", "GB", time.Now().UTC())
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping = %v", err)
	}
	app := mysqlServer.As(testserver.User, testserver.Database)
	defer app.Close()
	for _, statement := range []string{
		"ALTER TABLE submissions ADD COLUMN x INT", "DROP TABLE tallies", "CREATE TABLE x (id INT)", "CREATE INDEX x ON tallies (n)",
		"TRUNCATE TABLE tally_log", "UPDATE submissions SET tallied = FALSE", "DELETE FROM submissions", "DELETE FROM tallies",
		"UPDATE tally_log SET counts = ''", "SELECT * FROM goose_db_version",
	} {
		if _, err := app.Exec(statement); err == nil || !strings.Contains(err.Error(), "denied") {
			t.Errorf("%s as the app: %v, want it denied", statement, err)
		}
	}
	if _, err := food.MigrateMySQL(t.Context(), mysqlConfig(testserver.User, testserver.Database), quiet); err == nil {
		t.Error("the app's account can migrate")
	}
}
