// Package tally counts the submissions for the results: foods, countries and times.
//
// Every submission is counted in the transaction that stores it. The counts of a batch are one row in
// the table tally_log. Adding them to the table tallies at once would make every batch, of every
// instance, wait for the same few rows. Each instance folds the log into the tallies once a second, and
// before it reads them. The migrations describe the tables.
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

// An Item is what is counted of a submission.
type Item struct {
	Food    string    // as the visitor spelled it
	Country string    // ISO 3166-1 alpha-2
	At      time.Time // when it was submitted
}

// A Tally adds up the submissions in a database. Use New to make one.
type Tally struct {
	db  *database.DB
	log *slog.Logger

	folds        atomic.Int64       // begun so far
	lastFold     atomic.Int64       // the number of the last one that succeeded
	folding      chan struct{}      // semaphore: held while folding
	stopFolding  context.CancelFunc // ends foldAtTimes
	foldingEnded chan struct{}      // closed when foldAtTimes has returned
}

// New returns a Tally that folds the log once a second until Close.
func New(db *database.DB, log *slog.Logger) *Tally {
	ctx, cancel := context.WithCancel(context.Background())
	t := &Tally{db: db, log: log, folding: make(chan struct{}, 1),
		stopFolding: cancel, foldingEnded: make(chan struct{})}
	go t.foldAtTimes(ctx)
	return t
}

// Close stops folding. Another instance folds what is left in the log, or the next one.
func (t *Tally) Close() {
	t.stopFolding()
	<-t.foldingEnded
}

// Ping reads from each table what this package needs. It fails if the server, the schema or the right
// to read is missing.
func (t *Tally) Ping(ctx context.Context) error {
	var row [3]sql.NullString
	err := t.db.QueryRowContext(ctx, "SELECT (SELECT tallied FROM submissions LIMIT 1), "+
		"(SELECT CONCAT(scope, name, n) FROM tallies LIMIT 1), "+
		"(SELECT CONCAT(id, counts) FROM tally_log LIMIT 1)").Scan(&row[0], &row[1], &row[2])
	return err
}

// Log returns the statement that counts items. It belongs in the transaction that stores them.
func Log(items []Item) database.Statement {
	return database.Statement{SQL: "INSERT INTO tally_log (counts) VALUES (?)",
		Args: []any{countsOf(items).json()}}
}

// counts are what a row of the log adds to the tallies, as JSON.
type counts struct {
	Foods     map[string]int64 `json:"foods"`     // by their spellings
	Countries map[string]int64 `json:"countries"` // by their codes
	Quarters  map[string]int64 `json:"quarters"`  // of an hour, by their names
}

// A quarter of an hour and an hour are named by their begin in UTC. They add up to the days of every
// time zone, because since 1972 each zone is a whole number of quarters away from UTC.
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

// A name is what is counted: a row of the table tallies.
type name struct{ scope, name string }

// foodScope and a food's key are the scope of the food's spellings.
const foodScope = "food:"

// addTo adds the counts to the sums of each name that they belong to.
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

// errNoLog says that the log can't be read. Then Ping fails, too, and the operator is told why.
var errNoLog = errors.New("read tally_log")
