// Package visits counts the visits of the site: each once, however many processes count.
package visits

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"simpleapp/batch"
)

// ErrUnavailable says that the store didn't answer in time. A visit is kept and will be counted.
var ErrUnavailable = errors.New("visits are unavailable")

const (
	maxBatch    = 4096
	commandTime = time.Second            // for one command to the store
	patience    = 250 * time.Millisecond // for a visitor: the page is due within 300 ms
	minBackoff  = 50 * time.Millisecond
	maxBackoff  = time.Second
)

// A store keeps the total. Redis and SQLite do.
type store interface {
	// add adds n visits as batch seq of process and returns the new total. Sent again after a lost
	// answer, a batch adds nothing and returns the total of the first time.
	add(ctx context.Context, process string, seq, n int64) (total int64, err error)
	total(ctx context.Context) (int64, error)
	ping(ctx context.Context) error
	close() error
}

// A Counter counts visits in a store, all concurrent ones with one command. Open one with OpenRedis
// or OpenSQLite.
type Counter struct {
	store   store
	log     *slog.Logger
	onBatch func(visits int)
	process string // unique among all processes that share the store
	seq     int64  // of the last batch; used by write alone
	writes  *batch.Combiner[int64, int64]

	mu   sync.Mutex
	down bool  // the store failed to answer; a write is retrying until it does
	owed int64 // visits that came meanwhile
}

func newCounter(s store, log *slog.Logger, onBatch func(visits int)) *Counter {
	c := &Counter{store: s, log: log, onBatch: onBatch, process: rand.Text()}
	c.writes = batch.New(maxBatch, patience, c.write)
	return c
}

// Visit counts one visit and returns its own number, which no other visit gets. If the store
// doesn't answer within 250 ms, Visit returns ErrUnavailable and the visit is counted later.
func (c *Counter) Visit() (int64, error) { return c.do(1) }

// Total returns the number of visits so far, or ErrUnavailable if the store doesn't answer within 250 ms.
func (c *Counter) Total() (int64, error) { return c.do(0) }

func (c *Counter) do(n int64) (int64, error) {
	c.mu.Lock()
	if c.down {
		c.owed += n
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

// write adds a batch to the total and gives each visit its number. It tries until the store answers.
func (c *Counter) write(ctx context.Context, visits []int64) ([]int64, error) {
	var n int64
	for _, v := range visits {
		n += v
	}
	total, err := c.add(ctx, n)
	if err != nil {
		return nil, err
	}
	numbers := make([]int64, len(visits))
	number := total - n
	for i, v := range visits {
		number += v
		numbers[i] = number
	}
	return numbers, c.settle(ctx)
}

// settle adds the visits that came while the store was down, until none is owed.
func (c *Counter) settle(ctx context.Context) error {
	for {
		c.mu.Lock()
		wasDown, owed := c.down, c.owed
		c.owed = 0
		c.down = owed > 0
		c.mu.Unlock()
		if !wasDown {
			return nil
		}
		if owed == 0 {
			c.log.Info("visits are counted again")
			return nil
		}
		if _, err := c.add(ctx, owed); err != nil {
			return err
		}
	}
}

// add adds n visits as one batch, again and again until the store answers or ctx ends.
func (c *Counter) add(ctx context.Context, n int64) (int64, error) {
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
		select {
		case <-ctx.Done():
			c.mu.Lock()
			n, c.owed = n+c.owed, 0
			c.mu.Unlock()
			c.log.Error("visits are lost", "visits", n, "err", err)
			return 0, err
		case <-time.After(backoff):
		}
	}
}

func (c *Counter) try(ctx context.Context, n int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	if n == 0 {
		return c.store.total(ctx)
	}
	return c.store.add(ctx, c.process, c.seq, n)
}

// Ping asks whether the store answers.
func (c *Counter) Ping(ctx context.Context) error { return c.store.ping(ctx) }

// Close counts what is kept, until ctx ends, and closes the store.
func (c *Counter) Close(ctx context.Context) error {
	return errors.Join(c.writes.Close(ctx), c.store.close())
}
