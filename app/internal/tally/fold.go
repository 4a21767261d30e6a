package tally

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"simpleapp/internal/database"
)

const (
	foldEvery = time.Second
	foldTime  = 5 * time.Second // timeout of one transaction
	foldRows  = 1000            // most rows of the log in one transaction
	foldNames = 5000            // a transaction reads no further rows once it has this many names
)

// foldEverySecond folds the log once a second until ctx ends.
func (t *Tally) foldEverySecond(ctx context.Context, log *slog.Logger) {
	logged := ""
	for {
		err := t.Fold(ctx)
		switch {
		case err == nil:
			logged = ""
		case ctx.Err() != nil, t.db.Classify(err) == database.Collided, errors.Is(err, errReadLog):
		case err.Error() != logged:
			logged = err.Error()
			log.Error("the results are not up to date", "err", err)
		}
		if !database.Pause(ctx, foldEvery) {
			return
		}
	}
}

// Fold adds the rows of the log to the tallies and deletes them from the log. It skips the rows
// that another replica is folding. One fold runs at a time. A caller that finds one running waits
// for it, and then needs a fold that starts after the call, because the running one may miss the
// newest rows. All callers that wait share that fold. If it fails, the next of them runs another
// one.
func (t *Tally) Fold(ctx context.Context) error {
	before := t.folds.Load()
	select {
	case t.folding <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.folding }()
	if t.lastFold.Load() > before {
		return nil
	}
	number := t.folds.Add(1)
	// An idle site begins no transaction, which on SQLite would take the lock of the file.
	var id int64
	err := t.db.QueryRowContext(ctx, "SELECT id FROM tally_log LIMIT 1").Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: %w", errReadLog, err)
	}
	for more := err == nil; more; {
		if more, err = t.foldSome(ctx); err != nil {
			return fmt.Errorf("fold tally_log: %w", err)
		}
	}
	t.lastFold.Store(number)
	return nil
}

// foldSome folds the oldest rows of the log in one transaction, except for those that another
// replica is folding. It reports whether there may be more rows.
func (t *Tally) foldSome(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, foldTime)
	defer cancel()
	err = t.db.Update(ctx, func(tx *sql.Tx) error {
		sums, ids, mayBeMore, err := t.readLog(ctx, tx)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := t.add(ctx, tx, sums); err != nil {
			return err
		}
		more = mayBeMore
		_, err = tx.ExecContext(ctx,
			"DELETE FROM tally_log WHERE id IN ("+database.Placeholders(len(ids))+")", ids...)
		return err
	})
	return more, err
}

// readLog returns the sums of the oldest rows of the log, the ids of these rows, and whether there
// may be more rows.
func (t *Tally) readLog(ctx context.Context, tx *sql.Tx) (
	sums map[name]int64, ids []any, more bool, err error) {
	rows, err := tx.QueryContext(ctx,
		"SELECT id, counts FROM tally_log ORDER BY id LIMIT ? "+t.db.SkipLocked(), foldRows)
	if err != nil {
		return nil, nil, false, err
	}
	defer rows.Close()
	sums = make(map[name]int64)
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

// add adds sums to the tallies. It sorts the names, so that folds lock the rows in the same order
// and don't deadlock with each other. A fold can deadlock with moveSpellings. MySQL then rolls one
// of them back, and it is retried.
func (t *Tally) add(ctx context.Context, tx *sql.Tx, sums map[name]int64) error {
	order := slices.SortedFunc(maps.Keys(sums), func(a, b name) int {
		return cmp.Or(strings.Compare(a.scope, b.scope), strings.Compare(a.name, b.name))
	})
	for some := range slices.Chunk(order, 500) {
		args := make([]any, 0, 3*len(some))
		for _, row := range some {
			args = append(args, row.scope, row.name, sums[row])
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO tallies (scope, name, n) VALUES "+
			database.Values(len(some), 3)+" "+t.db.AddToDuplicate("n", "scope, name"), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// removeZeros deletes each name that has a negative sum and whose number in the tallies is 0 now.
func (t *Tally) removeZeros(ctx context.Context, tx *sql.Tx, sums map[name]int64) error {
	for row, n := range sums {
		if n >= 0 {
			continue
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM tallies WHERE scope = ? AND name = ? AND n = 0",
			row.scope, row.name)
		if err != nil {
			return err
		}
	}
	return nil
}

// FoldAll returns once all rows that are in the log when it is called are folded. It waits for the
// rows that another replica is folding.
func (t *Tally) FoldAll(ctx context.Context) error {
	var last sql.NullInt64
	err := t.db.QueryRowContext(ctx, "SELECT MAX(id) FROM tally_log").Scan(&last)
	if err != nil {
		return fmt.Errorf("%w: %w", errReadLog, err)
	}
	for {
		if err := t.db.Retry(ctx, func() error { return t.Fold(ctx) }); err != nil {
			return err
		}
		var left int
		err := t.db.QueryRowContext(ctx,
			"SELECT COUNT(*) FROM tally_log WHERE id <= ?", last.Int64).Scan(&left)
		if err != nil || left == 0 {
			return err
		}
		if !database.Pause(ctx, database.RetryDelay) {
			return ctx.Err()
		}
	}
}

// Subtract subtracts an item from the tallies, and deletes the names whose number is 0 afterwards.
// The item must be in the tallies, not in the log: call FoldAll first.
func (t *Tally) Subtract(ctx context.Context, tx *sql.Tx, item Item) error {
	sums := make(map[name]int64)
	countsOf([]Item{item}).addTo(sums)
	for row := range sums {
		sums[row] = -1
	}
	if err := t.add(ctx, tx, sums); err != nil {
		return err
	}
	for row := range sums {
		var n int64
		err := tx.QueryRowContext(ctx, "SELECT n FROM tallies WHERE scope = ? AND name = ?",
			row.scope, row.name).Scan(&n)
		if err != nil {
			return err
		}
		if n < 0 {
			return fmt.Errorf("%s %q was counted by another version: run `simpleapp migrate` first",
				row.scope, row.name)
		}
	}
	return t.removeZeros(ctx, tx, sums)
}
