package visits

import (
	"context"

	"simpleapp/internal/database"
)

// Remember exchanges totals with a database: the database remembers the largest total that any
// process has seen, and this process learns it. A store that has lost its data, such as a Redis
// that starts on an empty or older volume, goes on from that total. A server calls Remember
// before it accepts requests, and then once a second. It is healthy only after the first success.
// Until then it may repeat numbers if the store has lost its data.
func (c *Counter) Remember(ctx context.Context, db *database.DB) error {
	seen := c.seen.Load()
	err := db.Write(ctx, database.Statement{
		SQL:  "UPDATE visit_total SET total = ? WHERE id = 1 AND total < ?",
		Args: []any{seen, seen}})
	if err != nil {
		return err
	}
	total, err := Remembered(ctx, db)
	if err != nil {
		return err
	}
	c.raise(total)
	return nil
}

// Remembered returns the total that a database remembers.
func Remembered(ctx context.Context, db *database.DB) (total int64, err error) {
	err = db.QueryRowContext(ctx, "SELECT total FROM visit_total WHERE id = 1").Scan(&total)
	return total, err
}

// raise raises seen to total.
func (c *Counter) raise(total int64) {
	for seen := c.seen.Load(); total > seen; seen = c.seen.Load() {
		if c.seen.CompareAndSwap(seen, total) {
			return
		}
	}
}
