// Package tally counts the submissions for the results: foods, countries and times.
//
// Every submission is counted in the transaction that stores it. That transaction inserts the
// counts of its batch as one row into the table tally_log. If it changed the table tallies instead,
// the batches of all replicas would wait for the same few rows. Each replica folds the log into
// the tallies once a second, and before it reads the tallies. To fold is to add the rows of the log
// to the tallies and to delete them from the log. The migrations describe the tables.
package tally

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"simpleapp/internal/database"
)

// An Item contains the values of a submission that a Tally counts.
type Item struct {
	Food    string    // as the visitor spelled it
	Country string    // ISO 3166-1 alpha-2
	At      time.Time // when it was submitted
}

// A Tally counts the submissions in a database. Use New to make one.
type Tally struct {
	db       *database.DB
	folds    atomic.Int64  // number of folds that have begun
	lastFold atomic.Int64  // number of the last fold that succeeded
	folding  chan struct{} // semaphore: held while folding
}

// New returns a Tally. A program that serves calls Start, too.
func New(db *database.DB) *Tally { return &Tally{db: db, folding: make(chan struct{}, 1)} }

// Start begins to fold the log once a second. stop ends that, and returns when it has ended.
// Another replica, or the next one that starts, folds the rows that are left in the log.
func (t *Tally) Start(log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		t.foldEverySecond(ctx, log)
		close(ended)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// Ping returns an error unless it can read every column of the tallies, and the column tallied.
// food.Submissions.Ping reads the other columns of the submissions.
func (t *Tally) Ping(ctx context.Context) error {
	var row [3]sql.NullString
	err := t.db.QueryRowContext(ctx, "SELECT (SELECT tallied FROM submissions LIMIT 1), "+
		"(SELECT CONCAT(scope, name, n) FROM tallies LIMIT 1), "+
		"(SELECT CONCAT(id, counts) FROM tally_log LIMIT 1)").Scan(&row[0], &row[1], &row[2])
	return err
}

// Log returns the statement that counts items. The transaction that stores them must execute it.
func Log(items []Item) database.Statement {
	return database.Statement{SQL: "INSERT INTO tally_log (counts) VALUES (?)",
		Args: []any{countsOf(items).json()}}
}

// counts are the numbers that a row of the log adds to the tallies. The row contains them as JSON.
type counts struct {
	Foods     map[string]int64 `json:"foods"`     // by their spellings
	Countries map[string]int64 `json:"countries"` // by their codes
	Quarters  map[string]int64 `json:"quarters"`  // of an hour, by their names
}

// The name of a quarter of an hour, or of an hour, is its beginning in UTC. The days of every time
// zone consist of quarters, because since October 1979 each zone is a number of quarters away from
// UTC.
const (
	quarter  = 15 * time.Minute
	timeForm = "2006-01-02 15:04"
)

func countsOf(items []Item) counts {
	c := counts{make(map[string]int64), make(map[string]int64), make(map[string]int64)}
	for _, item := range items {
		c.Foods[item.Food]++
		c.Countries[item.Country]++
		c.Quarters[item.At.UTC().Truncate(quarter).Format(timeForm)]++
	}
	return c
}

func (c counts) json() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // maps from text to numbers always have a JSON form
	}
	return string(text)
}

// A name identifies a row of the table tallies.
type name struct{ scope, name string }

// The scope of a food's spellings is foodScope and the key of the food.
const foodScope = "food:"

// addTo adds the counts to sums. A spelling also counts for its food, and a quarter for its hour.
func (c counts) addTo(sums map[name]int64) {
	for spelling, n := range c.Foods {
		key := foodKey(spelling)
		sums[name{"food", key}] += n
		sums[name{foodScope + key, spelling}] += n
	}
	for code, n := range c.Countries {
		sums[name{"country", code}] += n
	}
	for begin, n := range c.Quarters {
		sums[name{"quarter", begin}] += n
		hour, _, _ := strings.Cut(begin, ":")
		sums[name{"hour", hour + ":00"}] += n
	}
}

// errReadLog is the error of Fold and FoldAll if their first query of the log fails.
// foldEverySecond does not log it, because Ping then fails, too, and its error is logged.
var errReadLog = errors.New("read tally_log")
