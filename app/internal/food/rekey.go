package food

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// foodKeyVersion is the version of foodKey. Raise it whenever foodKey changes, so that SQLite files
// are looked through again.
const foodKeyVersion = 1

const (
	rekeyPage = 1000 // spellings that are read at a time,
	rekeyRows = 100  // and moved in one transaction
)

// rekeyFoods moves the spellings that versions with another foodKey have counted to the food that
// they belong to now, and returns how many they were. It reads every spelling, page by page, and
// writes in short transactions. It can be interrupted and repeated, also by several at once. An
// older version that runs meanwhile goes on counting by its own key: rekeyFoods has to run again
// when that has ended.
func (s *Store) rekeyFoods(ctx context.Context) (moved int, err error) {
	last := tally{scope: foodScope}
	for {
		page, err := s.spellingsAfter(ctx, last)
		if err == nil && len(page) == 0 {
			return moved, nil
		}
		stale := slices.DeleteFunc(slices.Clone(page), func(t tally) bool {
			return t.scope == foodScope+foodKey(t.name)
		})
		for some := range slices.Chunk(stale, rekeyRows) {
			var n int
			if n, err = s.moveSpellings(ctx, some); err != nil {
				break
			}
			moved += n
		}
		switch {
		case err == nil:
			last = page[len(page)-1]
		case s.classify(err) != collided || !pause(ctx, retryDelay):
			return moved, fmt.Errorf("merge foods: %w", err)
		}
	}
}

// spellingsAfter returns the next spellings in the order of the table.
func (s *Store) spellingsAfter(ctx context.Context, last tally) (page []tally, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT scope, name FROM tallies
		WHERE scope >= ? AND scope < 'food;' AND (scope > ? OR name > ?)
		ORDER BY scope, name LIMIT ?`,
		last.scope, last.scope, last.name, rekeyPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t tally
		if err := rows.Scan(&t.scope, &t.name); err != nil {
			return nil, err
		}
		page = append(page, t)
	}
	return page, rows.Err()
}

// moveSpellings moves spellings, and what they add to their foods, to the foods of their present
// keys.
func (s *Store) moveSpellings(ctx context.Context, stale []tally) (moved int, err error) {
	ctx, cancel := context.WithTimeout(ctx, foldTime)
	defer cancel()
	s.writer.Lock()
	defer s.writer.Unlock()
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	sums := make(map[tally]int64)
	for _, old := range stale {
		var n int64
		err := tx.QueryRowContext(ctx, "SELECT n FROM tallies WHERE scope = ? AND name = ? "+s.lockRows,
			old.scope, old.name).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) { // another process has moved it
			continue
		}
		if err != nil {
			return 0, err
		}
		key := foodKey(old.name)
		sums[old] -= n
		sums[tally{"food", strings.TrimPrefix(old.scope, foodScope)}] -= n
		sums[tally{foodScope + key, old.name}] += n
		sums[tally{"food", key}] += n
		moved++
	}
	if err := s.addToTallies(ctx, tx, sums); err != nil {
		return 0, err
	}
	for t, n := range sums {
		if n >= 0 {
			continue
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM tallies WHERE scope = ? AND name = ? AND n = 0",
			t.scope, t.name)
		if err != nil {
			return 0, err
		}
	}
	return moved, tx.Commit()
}
