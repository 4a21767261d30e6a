package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"simpleapp/internal/batch"
)

// A gate has a WriteFunc that reports each batch and waits until it may proceed. It returns the
// items doubled.
type gate struct {
	entered chan []int
	proceed chan error
}

func (g gate) write(_ context.Context, items []int) ([]int, error) {
	g.entered <- slices.Clone(items)
	err := <-g.proceed
	doubled := make([]int, len(items))
	for i, item := range items {
		doubled[i] = 2 * item
	}
	return doubled, err
}

func put[In, Out any](t *testing.T, c *batch.Combiner[In, Out], item In) batch.Ticket[In, Out] {
	t.Helper()
	ticket, err := c.Put(item)
	if err != nil {
		t.Fatalf("Put(%v) = %v", item, err)
	}
	return ticket
}

func wantResult(t *testing.T, ticket batch.Ticket[int, int], want int) {
	t.Helper()
	if got, err := ticket.Wait(); got != want || err != nil {
		t.Errorf("Wait = %d, %v, want %d", got, err, want)
	}
}

func wantBatch(t *testing.T, g gate, want ...int) {
	t.Helper()
	if got := <-g.entered; !slices.Equal(got, want) {
		t.Errorf("batch = %v, want %v", got, want)
	}
}

// begin returns a gate and a Combiner that writes item 1, which waits at the gate.
func begin(t *testing.T, most int, patience time.Duration) (
	g gate, c *batch.Combiner[int, int], first batch.Ticket[int, int]) {
	t.Helper()
	g = gate{make(chan []int), make(chan error)}
	c = batch.New(most, patience, g.write)
	first = put(t, c, 1)
	wantBatch(t, g, 1)
	return g, c, first
}

func TestItemsThatArriveDuringAWriteShareTheNextBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c, first := begin(t, 3, time.Minute)
		tickets := []batch.Ticket[int, int]{first}
		for item := 2; item <= 6; item++ {
			tickets = append(tickets, put(t, c, item))
		}
		g.proceed <- nil
		wantBatch(t, g, 2, 3, 4) // a batch has at most three items
		g.proceed <- nil
		wantBatch(t, g, 5, 6)
		g.proceed <- nil
		for i, ticket := range tickets {
			wantResult(t, ticket, 2*(i+1))
		}
	})
}

func TestErrorReachesItsBatchOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c, first := begin(t, 10, time.Minute)
		second, third := put(t, c, 2), put(t, c, 3)
		g.proceed <- nil
		wantBatch(t, g, 2, 3)
		failure := errors.New("disk full")
		g.proceed <- failure
		wantResult(t, first, 2)
		for _, ticket := range []batch.Ticket[int, int]{second, third} {
			if _, err := ticket.Wait(); err != failure {
				t.Errorf("Wait = %v, want %v", err, failure)
			}
		}
	})
}

func TestWaitGivesUpButTheItemIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c, _ := begin(t, 10, time.Millisecond)
		ticket := put(t, c, 2)
		if _, err := ticket.Wait(); err != batch.ErrSlow {
			t.Errorf("Wait = %v, want ErrSlow", err)
		}
		g.proceed <- nil
		wantBatch(t, g, 2)
		g.proceed <- nil
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantResult(t, ticket, 4)
	})
}

func TestWithdraw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c, first := begin(t, 10, time.Minute)
		second, third, fourth := put(t, c, 2), put(t, c, 3), put(t, c, 4)
		if first.Withdraw() {
			t.Error("Withdraw of an item that is being written = true, want false")
		}
		if !third.Withdraw() {
			t.Error("Withdraw of a waiting item = false, want true")
		}
		g.proceed <- nil
		wantBatch(t, g, 2, 4)
		fifth := put(t, c, 5)
		if !fifth.Withdraw() {
			t.Error("Withdraw of the only waiting item = false, want true")
		}
		g.proceed <- nil
		wantResult(t, second, 4)
		wantResult(t, fourth, 8)
		if err := c.Close(t.Context()); err != nil { // Close must not write an empty batch
			t.Error(err)
		}
	})
}

func TestPanicFailsItsBatchOnly(t *testing.T) {
	c := batch.New(10, time.Minute, func(_ context.Context, items []string) ([]string, error) {
		if items[0] == "bad" {
			panic("no such thing")
		}
		return items, nil
	})
	_, err := put(t, c, "bad").Wait()
	if err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("Wait = %v, want the panic", err)
	}
	if got, err := put(t, c, "good").Wait(); got != "good" || err != nil {
		t.Errorf("Wait = %q, %v, want good", got, err)
	}
}

func TestWrongNumberOfResultsIsAnError(t *testing.T) {
	c := batch.New(10, time.Minute, func(context.Context, []int) ([]int, error) {
		return []int{1, 2}, nil
	})
	if _, err := put(t, c, 1).Wait(); err == nil {
		t.Error("Wait = nil, want an error")
	}
}

func TestCloseWritesWaitingItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c, _ := begin(t, 10, time.Minute)
		ticket := put(t, c, 2)
		closed := make(chan error)
		go func() { closed <- c.Close(t.Context()) }()
		synctest.Wait() // until Close waits
		g.proceed <- nil
		wantBatch(t, g, 2)
		g.proceed <- nil
		if err := <-closed; err != nil {
			t.Errorf("Close = %v", err)
		}
		wantResult(t, ticket, 4)
		if _, err := c.Put(3); err != batch.ErrClosed {
			t.Errorf("Put = %v, want ErrClosed", err)
		}
	})
}

func TestCloseCancelsTheWriteWhenItsContextEnds(t *testing.T) {
	entered := make(chan struct{})
	c := batch.New(10, time.Minute, func(ctx context.Context, items []int) ([]int, error) {
		close(entered)
		<-ctx.Done()
		return nil, fmt.Errorf("given up: %w", ctx.Err())
	})
	ticket := put(t, c, 1)
	<-entered
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Close(ended); err != context.Canceled {
		t.Errorf("Close = %v, want context.Canceled", err)
	}
	if _, err := ticket.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v, want context.Canceled", err)
	}
}

// Many callers put and withdraw items at once. Each item is written once, unless it was withdrawn,
// and each caller gets the result of its own item.
func TestEveryItemIsWrittenOnceOrWithdrawn(t *testing.T) {
	written := make(map[int]int) // how often by item; needs no lock, because writes do not overlap
	c := batch.New(16, time.Minute, func(_ context.Context, items []int) ([]int, error) {
		for _, item := range items {
			written[item]++
		}
		return items, nil
	})
	const n = 10_000
	withdrawn := make([]bool, n)
	var group sync.WaitGroup
	for item := range n {
		group.Go(func() {
			ticket, err := c.Put(item)
			if err != nil {
				t.Errorf("Put(%d) = %v", item, err)
				return
			}
			if item%7 == 0 && ticket.Withdraw() {
				withdrawn[item] = true
				return
			}
			wantResult(t, ticket, item)
		})
	}
	group.Wait()
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for item := range n {
		want := 1
		if withdrawn[item] {
			want = 0
		}
		if written[item] != want {
			t.Errorf("item %d: written %d times, want %d", item, written[item], want)
		}
	}
}
