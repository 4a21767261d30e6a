// Package visits counts the visits of the site. Several processes can count together: each visit is
// counted once, and no two visits get the same number.
package visits

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"simpleapp/internal/batch"
	"simpleapp/internal/database"
)

// ErrUnavailable says that there is no number, because the store did not take the visit in time.
// Unless Close has begun, the visit is kept in memory and counted later.
var ErrUnavailable = errors.New("visits are unavailable")

// MaxImport bounds the total after an import. The script in Redis and readers of JSON count in
// floating-point numbers, which are exact up to 1<<53. So the counter can go on for another 1<<52
// visits.
const MaxImport int64 = 1 << 52

const (
	maxBatch    = 4096
	commandTime = time.Second            // timeout of one command to the store
	patience    = 250 * time.Millisecond // timeout of Visit; the home page must take 300 ms at most
	minBackoff  = 50 * time.Millisecond
	maxBackoff  = time.Second
)

// A store keeps the total number of visits. It is Redis or a SQLite file.
type store interface {
	// add adds n visits as batch seq of process, and returns the new total. If the store has added
	// the batch before, add adds nothing and returns the total of that time. Therefore a batch can
	// be sent again after its answer was lost. seen is the largest total that this process knows
	// of. If the store has less, it has lost data, and the new total is seen + n.
	add(ctx context.Context, process string, seq, n, seen int64) (total int64, err error)
	total(ctx context.Context) (int64, error)
	// canCount returns an error if it can tell that add would fail. SQLite can't tell that the disk
	// is full. canCount changes no total. process is the same as for add, and seq is larger each
	// time.
	canCount(ctx context.Context, process string, seq int64) error
	close() error
}

// A Counter counts visits in a store. It combines concurrent visits into one command. Use OpenRedis
// or OpenSQLite to make one.
//
// While the store takes batches, the Counter is up: a visit joins the next batch, and its caller
// waits for its number. When a command fails or is refused, the Counter is down: it sends the batch
// again until the store takes it. Visits that arrive meanwhile are added to backlog, and their
// callers get ErrUnavailable at once. Then the Counter is up again, and adds the backlog before the
// next batch.
type Counter struct {
	store   store
	log     *slog.Logger
	onBatch func(visits int)
	process string // unique among all processes that share the store
	seq     int64  // number of the last batch; only write and the methods that it calls use it
	writes  *batch.Combiner[int64, int64]
	seen    atomic.Int64 // the largest total that this process has seen
	checks  atomic.Int64 // calls of CanCount

	mu      sync.Mutex
	down    bool
	backlog int64 // visits that arrived while the Counter was down
}

func newCounter(s store, log *slog.Logger, onBatch func(visits int)) *Counter {
	c := &Counter{store: s, log: log, onBatch: onBatch, process: rand.Text()}
	c.writes = batch.New(maxBatch, patience, c.write)
	return c
}

// Visit counts one visit and returns its number, which no other visit gets unless the store has
// lost data: see Remember. If the store does not answer within 250 ms, Visit returns
// ErrUnavailable, and the visit is counted later.
func (c *Counter) Visit() (int64, error) { return c.join(1) }

// Add adds n visits that were counted elsewhere. If the store does not answer in time, they are
// added later. If they are not added before Close gives up, Close returns an error.
func (c *Counter) Add(n int64) { c.join(n) }

// Total returns the number of visits so far. If the store does not answer within 250 ms, Total
// returns ErrUnavailable. It joins a batch with zero visits, so that concurrent callers share one
// command.
func (c *Counter) Total() (int64, error) { return c.join(0) }

// join adds n visits to the next batch and returns the total after them.
func (c *Counter) join(n int64) (int64, error) {
	c.mu.Lock()
	if c.down {
		c.backlog += n
		c.mu.Unlock()
		return 0, ErrUnavailable
	}
	ticket, err := c.writes.Put(n)
	c.mu.Unlock()
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	number, err := ticket.Wait()
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return number, nil
}

// write adds a batch to the total and returns the number of each visit. It retries until the store
// takes the batch.
func (c *Counter) write(ctx context.Context, visits []int64) ([]int64, error) {
	var n int64
	for _, v := range visits {
		n += v
	}
	total, err := c.send(ctx, n)
	if err != nil {
		return nil, err
	}
	numbers := make([]int64, len(visits))
	number := total - n
	for i, v := range visits {
		number += v
		numbers[i] = number
	}
	return numbers, c.addBacklog(ctx)
}

// addBacklog marks the Counter as up, if it was down, and adds the backlog. New visits wait for
// their numbers meanwhile. If send has to retry, it marks the Counter as down, and visits go to the
// backlog again. The next turn of the loop adds those. An error means that Close has given up.
func (c *Counter) addBacklog(ctx context.Context) error {
	for {
		c.mu.Lock()
		wasDown, n := c.down, c.backlog
		c.down, c.backlog = false, 0
		c.mu.Unlock()
		if !wasDown {
			return nil
		}
		c.log.Info("visits can be counted now", "backlog", n)
		if _, err := c.send(ctx, n); err != nil {
			return err
		}
	}
}

// send adds n visits as one batch. It retries until the store takes it, or until ctx ends.
func (c *Counter) send(ctx context.Context, n int64) (int64, error) {
	if n > 0 {
		c.seq++
		c.onBatch(int(n))
	}
	for backoff := minBackoff; ; backoff = min(2*backoff, maxBackoff) {
		total, err := c.try(ctx, n)
		if err == nil {
			return total, nil
		}
		c.mu.Lock()
		first := !c.down
		c.down = true
		c.mu.Unlock()
		if first {
			c.log.Error("visits can't be counted now and are kept", "err", err)
		}
		if database.Pause(ctx, backoff) {
			continue
		}
		c.mu.Lock() // Close has given up: this batch and the backlog are lost
		n, c.backlog = n+c.backlog, 0
		c.mu.Unlock()
		if n > 0 {
			c.log.Error("visits are lost, if the store has not counted them",
				"visits", n, "err", err)
		}
		return 0, err
	}
}

func (c *Counter) try(ctx context.Context, n int64) (total int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	seen := c.seen.Load()
	if n == 0 {
		total, err = c.store.total(ctx)
		total = max(total, seen)
	} else {
		total, err = c.store.add(ctx, c.process, c.seq, n, seen)
	}
	if err == nil {
		c.raise(total)
	}
	return total, err
}

// Ping returns an error unless the total can be read.
func (c *Counter) Ping(ctx context.Context) error {
	_, err := c.store.total(ctx)
	return err
}

// CanCount returns an error unless visits can be counted. A store that answers may still refuse to
// write: for example, if the account lacks a right, or if the memory or the disk is full.
func (c *Counter) CanCount(ctx context.Context) error {
	if err := c.store.canCount(ctx, c.process, c.checks.Add(1)); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down { // SQLite notices a full disk only when it writes
		return errors.New("visits are kept until the store takes them")
	}
	return nil
}

// Close adds the visits that are not counted yet, and closes the store. If ctx ends before that,
// the remaining visits are lost, and Close returns an error.
func (c *Counter) Close(ctx context.Context) error {
	return errors.Join(c.writes.Close(ctx), c.store.close())
}
