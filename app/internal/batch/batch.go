// Package batch combines the writes of concurrent callers. While one write is under way, the items
// that arrive gather into the next batch and share the next write: the busier the program, the
// fewer writes an item costs, and an idle program still writes at once.
package batch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

var (
	// ErrClosed is the error of Put after Close has begun.
	ErrClosed = errors.New("batch: closed")
	// ErrSlow is the error of Wait if the item was not written in time.
	ErrSlow = errors.New("batch: not written in time")
)

// A WriteFunc writes items and returns one result for each, in their order. Its error is given to
// every caller in the batch. While the WriteFunc runs, the context ends only if Close gives up
// waiting. A WriteFunc that must end earlier sets a timeout of its own.
type WriteFunc[In, Out any] func(ctx context.Context, items []In) ([]Out, error)

// A Combiner hands items to its WriteFunc, one call at a time, each item once, in the order of Put.
// Use New to make one. Its methods may be called concurrently.
type Combiner[In, Out any] struct {
	write    WriteFunc[In, Out]
	max      int
	patience time.Duration

	ctx    context.Context // of every write
	cancel context.CancelFunc

	mu     sync.Mutex
	queue  []*group[In, Out] // waiting, in order; all but the last are full
	idle   chan struct{}     // closed while no write is under way
	closed bool
	// The callers of Put share a deadline: expired is closed when it passes. A caller that comes
	// after the time in renew gets a new one: see deadline.
	expired chan struct{}
	renew   time.Time
}

// A group is one batch: the items of one write. Once done is closed, outs and err are its outcome.
type group[In, Out any] struct {
	items     []In
	withdrawn []int // indexes of items taken back before the write

	done chan struct{}
	outs []Out
	err  error
}

// A Ticket is the claim to the result of one item.
type Ticket[In, Out any] struct {
	c     *Combiner[In, Out]
	group *group[In, Out]
	index int
	// expired is closed when the caller has waited for the Combiner's patience, or for up to 4 %
	// less.
	expired <-chan struct{}
}

// New returns a Combiner that calls write with 1 to max items. Wait returns after patience at the
// latest, counted from Put.
func New[In, Out any](
	max int, patience time.Duration, write WriteFunc[In, Out],
) *Combiner[In, Out] {
	ctx, cancel := context.WithCancel(context.Background())
	idle := make(chan struct{})
	close(idle)
	return &Combiner[In, Out]{
		write: write, max: max, patience: patience, ctx: ctx, cancel: cancel, idle: idle,
	}
}

// Put queues item for the next write and returns at once. Its error is nil or ErrClosed. Put does
// not limit the length of the queue, so the caller has to.
func (c *Combiner[In, Out]) Put(item In) (Ticket[In, Out], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return Ticket[In, Out]{}, ErrClosed
	}
	last := len(c.queue) - 1
	if last < 0 || len(c.queue[last].items) >= c.max {
		c.queue = append(c.queue, &group[In, Out]{done: make(chan struct{})})
		last++
	}
	g := c.queue[last]
	g.items = append(g.items, item)
	select {
	case <-c.idle:
		c.idle = make(chan struct{})
		go c.run()
	default:
	}
	return Ticket[In, Out]{c, g, len(g.items) - 1, c.deadline()}, nil
}

// deadline returns a channel that is closed after c.patience. It is also for the callers that
// arrive in the next patience/25, because a timer per caller is the largest cost here.
func (c *Combiner[In, Out]) deadline() <-chan struct{} {
	if now := time.Now(); now.After(c.renew) {
		expired := make(chan struct{})
		time.AfterFunc(c.patience, func() { close(expired) })
		c.expired, c.renew = expired, now.Add(c.patience/25)
	}
	return c.expired
}

// Wait returns the item's result once it is written. If it takes longer than the Combiner's
// patience from Put on, Wait returns ErrSlow. The item stays in its batch and is still written,
// unless Withdraw returns true.
func (t Ticket[In, Out]) Wait() (Out, error) {
	var none Out
	select {
	case <-t.group.done:
	case <-t.expired:
		// If both channels are closed, select chooses one at random. The result counts.
		select {
		case <-t.group.done:
		default:
			return none, ErrSlow
		}
	}
	if t.group.err != nil {
		return none, t.group.err
	}
	return t.group.outs[t.index], nil
}

// Withdraw takes the item back if its batch has not begun, and reports whether it did. If it
// returns true, the item is never written, and the caller must not call Wait again. If it returns
// false, its batch has begun or is done.
func (t Ticket[In, Out]) Withdraw() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if !slices.Contains(t.c.queue, t.group) {
		return false
	}
	t.group.withdrawn = append(t.group.withdrawn, t.index)
	return true
}

// Close refuses further items and waits until all queued ones are written. If ctx ends first, Close
// cancels the context of the writes: the items that wait are still passed to the WriteFunc, and
// their callers get what it returns.
func (c *Combiner[In, Out]) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	idle := c.idle
	c.mu.Unlock()
	defer c.cancel()
	select {
	case <-idle: // also if ctx has ended already
		return nil
	default:
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		c.cancel()
		<-idle
		return ctx.Err()
	}
}

// run writes group after group until none waits. At most one goroutine executes run.
func (c *Combiner[In, Out]) run() {
	for {
		runtime.Gosched() // callers that are about to Put may still join this batch
		c.mu.Lock()
		if len(c.queue) == 0 {
			close(c.idle)
			c.mu.Unlock()
			return
		}
		g := c.queue[0]
		c.queue[0] = nil
		c.queue = c.queue[1:]
		c.mu.Unlock()
		c.writeGroup(g)
	}
}

// writeGroup writes the items of g that were not withdrawn, and releases the callers that wait.
func (c *Combiner[In, Out]) writeGroup(g *group[In, Out]) {
	defer close(g.done)
	if len(g.withdrawn) == 0 {
		g.outs, g.err = c.call(g.items)
		return
	}
	var items []In
	var indexes []int
	for i, item := range g.items {
		if !slices.Contains(g.withdrawn, i) {
			items, indexes = append(items, item), append(indexes, i)
		}
	}
	if len(items) == 0 {
		return
	}
	var outs []Out
	if outs, g.err = c.call(items); g.err == nil {
		g.outs = make([]Out, len(g.items))
		for i, index := range indexes {
			g.outs[index] = outs[i]
		}
	}
}

// call calls the WriteFunc. It turns a panic and a wrong number of results into the error of the
// batch, so that one bad item neither ends the program nor leaves callers waiting for ever.
func (c *Combiner[In, Out]) call(items []In) (outs []Out, err error) {
	defer func() {
		if p := recover(); p != nil {
			outs, err = nil, fmt.Errorf("batch: panic in write: %v\n%s", p, debug.Stack())
		}
	}()
	outs, err = c.write(c.ctx, items)
	if err == nil && len(outs) != len(items) {
		err = fmt.Errorf("batch: write returned %d results for %d items", len(outs), len(items))
	}
	return outs, err
}
