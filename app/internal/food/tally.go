package food

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Every submission is counted in the transaction that stores it. What a batch adds to the counts is one
// row in the table tally_log: adding it to the tallies there and then would have every batch, of every
// instance, wait for the same few rows. Each instance folds the log into the tallies once a second, and
// before it reads them.

const (
	foldEvery = time.Second
	foldTime  = 5 * time.Second // for one transaction
	foldRows  = 1000            // of the log in one transaction,
	foldNames = 5000            // or fewer, once they add to this many tallies
)

// counts are what a batch adds. They go through the log as JSON.
type counts struct {
	Foods     map[string]int64 `json:"foods"`     // as they are spelled
	Countries map[string]int64 `json:"countries"` // by their codes
	Quarters  map[string]int64 `json:"quarters"`  // of an hour
}

// timeForm is how hours and quarters of an hour are named, by their begin in UTC. They add up to the days
// of every time zone: since 1972 each is a whole number of quarters away from UTC.
const (
	quarter  = 15 * time.Minute
	timeForm = "2006-01-02 15:04"
)

// countsOf returns the counts of rows as JSON.
func countsOf(rows []Submission) string {
	c := counts{make(map[string]int64), make(map[string]int64), make(map[string]int64)}
	for _, row := range rows {
		c.Foods[row.FavouriteFood]++
		c.Countries[row.Country]++
		c.Quarters[row.AddedAt.UTC().Truncate(quarter).Format(timeForm)]++
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // maps from text to numbers
	}
	return string(text)
}

// A tally is a name that is counted. mysql_db/schema.sql lists the scopes.
type tally struct{ scope, name string }

const foodScope = "food:" // and a food's key: the scope of its spellings

func (c counts) addTo(sums map[tally]int64) {
	for spelling, n := range c.Foods {
		key := foodKey(spelling)
		sums[tally{"food", key}] += n
		sums[tally{foodScope + key, spelling}] += n
	}
	for code, n := range c.Countries {
		sums[tally{"country", code}] += n
	}
	for begin, n := range c.Quarters {
		sums[tally{"quarter", begin}] += n
		hour, _, _ := strings.Cut(begin, ":")
		sums[tally{"hour", hour + ":00"}] += n
	}
}

// foldAtTimes folds the log until ctx ends. What one instance leaves there, at its end, another folds.
func (s *Store) foldAtTimes(ctx context.Context) {
	defer close(s.foldingEnded)
	told := ""
	for {
		err := s.fold(ctx)
		switch {
		case err == nil:
			told = ""
		case ctx.Err() == nil && s.classify(err) != collided && !errors.Is(err, errNoLog) && err.Error() != told:
			told = err.Error()
			s.log.Error("the results are not up to date", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(foldEvery):
		}
	}
}

// errNoLog is a log that can't even be read: whoever watches Ping tells the operator why.
var errNoLog = errors.New("read tally_log")

// fold adds the log to the tallies. Concurrent callers share one fold, provided that it started after
// they called, and succeeded.
func (s *Store) fold(ctx context.Context) error {
	before := s.folds.Load()
	select {
	case s.folding <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.folding }()
	if s.lastFold.Load() > before {
		return nil
	}
	number := s.folds.Add(1)
	for {
		var id int64
		err := s.db.QueryRowContext(ctx, "SELECT id FROM tally_log LIMIT 1").Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errNoLog, err)
		}
		more, err := s.foldSome(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	s.lastFold.Store(number)
	return nil
}

// foldSome folds the oldest rows of the log, of those that no other instance is folding, and reports
// whether there may be more.
func (s *Store) foldSome(ctx context.Context) (more bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("fold tally_log: %w", err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, foldTime)
	defer cancel()
	s.writer.Lock()
	defer s.writer.Unlock()
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	sums, ids, more, err := s.readLog(ctx, tx)
	if err != nil || len(ids) == 0 {
		return false, err
	}
	if err := s.addToTallies(ctx, tx, sums); err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM tally_log WHERE id IN (?"+strings.Repeat(",?", len(ids)-1)+")", ids...); err != nil {
		return false, err
	}
	return more, tx.Commit()
}

// readLog returns what the oldest rows of the log add up to, and their ids.
func (s *Store) readLog(ctx context.Context, tx *sql.Tx) (sums map[tally]int64, ids []any, more bool, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, counts FROM tally_log ORDER BY id LIMIT ? "+s.skipLocked, foldRows)
	if err != nil {
		return nil, nil, false, err
	}
	defer rows.Close()
	sums = make(map[tally]int64)
	for rows.Next() {
		if len(sums) >= foldNames {
			return sums, ids, true, nil
		}
		var id int64
		var text []byte
		if err := rows.Scan(&id, &text); err != nil {
			return nil, nil, false, err
		}
		var c counts
		if err := json.Unmarshal(text, &c); err != nil {
			return nil, nil, false, fmt.Errorf("row %d: %w", id, err)
		}
		c.addTo(sums)
		ids = append(ids, id)
	}
	return sums, ids, len(ids) == foldRows, rows.Err()
}

// addToTallies adds sums to the tallies, all in one order: two that do so at once never wait for each other in a circle.
func (s *Store) addToTallies(ctx context.Context, tx *sql.Tx, sums map[tally]int64) error {
	order := slices.SortedFunc(maps.Keys(sums), func(a, b tally) int {
		return strings.Compare(a.scope+"\x00"+a.name, b.scope+"\x00"+b.name)
	})
	for some := range slices.Chunk(order, 500) {
		args := make([]any, 0, 3*len(some))
		for _, t := range some {
			args = append(args, t.scope, t.name, sums[t])
		}
		const row = "(?, ?, ?)"
		_, err := tx.ExecContext(ctx, "INSERT INTO tallies (scope, name, n) VALUES "+row+strings.Repeat(", "+row, len(some)-1)+" "+s.upsert, args...)
		if err != nil {
			return err
		}
	}
	return nil
}
