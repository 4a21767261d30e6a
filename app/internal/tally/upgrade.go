package tally

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"simpleapp/internal/database"
)

// foodKeyVersion is the version of foodKey. Increase it whenever foodKey changes, so that
// UpgradeFile merges the foods of existing files again.
const foodKeyVersion = 1

// An Upgrade is the result of Tally.Upgrade.
type Upgrade struct {
	Counted int // submissions that had not been counted
	Merged  int // spellings that were moved to another food
}

// Upgrade brings the counts of older versions up to date. It counts the submissions that versions
// without tallies have stored. Versions with another foodKey may have counted a spelling for
// another food: Upgrade moves it to the food of its present key. It can be interrupted and
// repeated, and several processes can run it concurrently. While an older version is still running,
// it goes on counting in its own way: repeat Upgrade when that version has ended.
func (t *Tally) Upgrade(ctx context.Context) (u Upgrade, err error) {
	if u.Counted, err = t.countUntallied(ctx); err != nil {
		return u, fmt.Errorf("count submissions: %w", err)
	}
	if u.Merged, err = t.mergeFoods(ctx); err != nil {
		return u, fmt.Errorf("merge foods: %w", err)
	}
	return u, nil
}

// UpgradeFile is Upgrade for a SQLite file. It runs at every start, and reading all foods would
// make each start slower. Therefore it merges the foods only once, and then writes foodKeyVersion
// to the user_version of the file. It does not merge foods that an older version counts in the file
// later.
func (t *Tally) UpgradeFile(ctx context.Context) error {
	if _, err := t.countUntallied(ctx); err != nil {
		return fmt.Errorf("count submissions: %w", err)
	}
	var version int
	err := t.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	if err != nil || version >= foodKeyVersion {
		return err
	}
	if _, err := t.mergeFoods(ctx); err != nil {
		return fmt.Errorf("merge foods: %w", err)
	}
	_, err = t.db.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", foodKeyVersion))
	return err
}

// idsPerStep is how many ids countUntallied looks at in one transaction.
const idsPerStep = 5000

// countUntallied counts the submissions that are not marked as tallied, in steps. It returns the
// number of submissions that it has counted.
func (t *Tally) countUntallied(ctx context.Context) (counted int, err error) {
	from := int64(0)
	for err == nil {
		err = t.db.Retry(ctx, func() error {
			err := t.db.QueryRowContext(ctx, "SELECT id FROM submissions "+
				"WHERE id >= ? AND NOT tallied ORDER BY id LIMIT 1", from).Scan(&from)
			if err != nil {
				return err
			}
			n, err := t.logUntallied(ctx, from)
			if err != nil {
				return err
			}
			counted += n
			return t.Fold(ctx) // before the log gets long
		})
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return counted, err
}

// logUntallied counts the untallied submissions of one step: idsPerStep ids that begin at from. In
// one transaction, it marks them as tallied and inserts their counts into the log.
func (t *Tally) logUntallied(ctx context.Context, from int64) (counted int, err error) {
	err = t.db.Update(ctx, func(tx *sql.Tx) error {
		items, ids, err := t.untallied(ctx, tx, from)
		if err != nil || len(ids) == 0 {
			return err
		}
		counted = len(ids)
		// The ids select the rows, because rows may have been added to the step since they were
		// read.
		_, err = tx.ExecContext(ctx, "UPDATE submissions SET tallied = TRUE WHERE id IN ("+
			database.Placeholders(len(ids))+")", ids...)
		if err != nil {
			return err
		}
		log := Log(items)
		_, err = tx.ExecContext(ctx, log.SQL, log.Args...)
		return err
	})
	if err != nil {
		return 0, err
	}
	return counted, nil
}

// untallied locks the untallied submissions of one step, and returns their items and ids.
func (t *Tally) untallied(ctx context.Context, tx *sql.Tx, from int64) (
	items []Item, ids []any, err error) {
	rows, err := tx.QueryContext(ctx,
		"SELECT id, favourite_food, country, created_at FROM submissions "+
			"WHERE id >= ? AND id < ? AND NOT tallied "+t.db.LockRows(), from, from+idsPerStep)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var item Item
		if err := rows.Scan(&id, &item.Food, &item.Country, &item.At); err != nil {
			return nil, nil, err
		}
		ids, items = append(ids, id), append(items, item)
	}
	return items, ids, rows.Err()
}

const (
	spellingsPerPage        = 1000 // that mergeFoods reads at a time
	spellingsPerTransaction = 100  // that mergeFoods moves at a time
)

// mergeFoods moves each spelling that versions with another foodKey have counted for another food
// to the food of its present key. It returns the number of spellings that it has moved. It reads
// all spellings in pages, and writes in short transactions.
func (t *Tally) mergeFoods(ctx context.Context) (moved int, err error) {
	last := name{scope: foodScope}
	for {
		page, err := t.spellingsAfter(ctx, last)
		if err != nil || len(page) == 0 {
			return moved, err
		}
		last = page[len(page)-1]
		stale := slices.DeleteFunc(page, func(spelling name) bool {
			return spelling.scope == foodScope+foodKey(spelling.name)
		})
		for some := range slices.Chunk(stale, spellingsPerTransaction) {
			err := t.db.Retry(ctx, func() error {
				n, err := t.moveSpellings(ctx, some)
				moved += n
				return err
			})
			if err != nil {
				return moved, err
			}
		}
	}
}

// spellingsAfter returns the page of spellings after last, in the order of the table's key. The
// character after ':' is ';', so exactly the scopes that begin with "food:" lie between "food:" and
// "food;".
func (t *Tally) spellingsAfter(ctx context.Context, last name) (page []name, err error) {
	rows, err := t.db.QueryContext(ctx, `SELECT scope, name FROM tallies
		WHERE scope >= ? AND scope < 'food;' AND (scope > ? OR name > ?)
		ORDER BY scope, name LIMIT ?`,
		last.scope, last.scope, last.name, spellingsPerPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var spelling name
		if err := rows.Scan(&spelling.scope, &spelling.name); err != nil {
			return nil, err
		}
		page = append(page, spelling)
	}
	return page, rows.Err()
}

// moveSpellings moves spellings and their numbers to the foods of their present keys. It subtracts
// the numbers from the foods of the old keys.
func (t *Tally) moveSpellings(ctx context.Context, stale []name) (moved int, err error) {
	ctx, cancel := context.WithTimeout(ctx, foldTime)
	defer cancel()
	err = t.db.Update(ctx, func(tx *sql.Tx) error {
		sums := make(map[name]int64)
		for _, old := range stale {
			var n int64
			err := tx.QueryRowContext(ctx, "SELECT n FROM tallies WHERE scope = ? AND name = ? "+
				t.db.LockRows(), old.scope, old.name).Scan(&n)
			if errors.Is(err, sql.ErrNoRows) { // another process has moved it
				continue
			}
			if err != nil {
				return err
			}
			key := foodKey(old.name)
			sums[old] -= n
			sums[name{"food", strings.TrimPrefix(old.scope, foodScope)}] -= n
			sums[name{foodScope + key, old.name}] += n
			sums[name{"food", key}] += n
			moved++
		}
		if err := t.add(ctx, tx, sums); err != nil {
			return err
		}
		return t.removeZeros(ctx, tx, sums)
	})
	if err != nil {
		return 0, err
	}
	return moved, nil
}
