package visits_test

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"simpleapp/internal/visits"
	"simpleapp/test/testserver"
)

// redisServer is shared by the tests of this package.
var redisServer *testserver.Server

func TestMain(m *testing.M) {
	var err error
	if redisServer, err = testserver.StartRedis(); err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	if err := redisServer.Close(); err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

// An opener opens counters of one and the same total.
type opener func(observe func(visits int)) *visits.Counter

// stores opens an empty store of each kind.
var stores = []struct {
	name string
	open func(t *testing.T) opener
}{
	{"Redis", openRedis},
	{"SQLite", func(t *testing.T) opener {
		path := filepath.Join(t.TempDir(), "visits ?%20.db")
		return func(observe func(int)) *visits.Counter {
			c, err := visits.OpenSQLite(path, slog.New(slog.DiscardHandler), observe)
			if err != nil {
				t.Fatal(err)
			}
			return closeAtEnd(t, c)
		}
	}},
}

func openRedis(t *testing.T) opener {
	client := redisServer.RedisClient()
	defer client.Close()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	return func(observe func(int)) *visits.Counter {
		return closeAtEnd(t, visits.OpenRedis(visits.RedisConfig{
			Addr:     redisServer.Addr,
			Password: func() (string, error) { return redisServer.Password, nil },
		}, slog.New(slog.DiscardHandler), observe))
	}
}

func closeAtEnd(t *testing.T, c *visits.Counter) *visits.Counter {
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func unobserved(int) {}

func wantTotal(t *testing.T, c *visits.Counter, want int64) {
	t.Helper()
	if got, err := c.Total(); got != want || err != nil {
		t.Errorf("Total = %d, %v, want %d", got, err, want)
	}
}

// eventually waits for what must come true.
func eventually(t *testing.T, what string, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !true(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in 20 s: %s", what)
		}
	}
}

func TestEachVisitGetsItsOwnNumber(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			open := kind.open(t)
			const processes, each = 3, 1000
			numbers := make([]int64, processes*each)
			var group sync.WaitGroup
			for p := range processes {
				c := open(unobserved)
				for i := range each {
					group.Go(func() {
						var err error
						numbers[p*each+i], err = c.Visit()
						if err != nil && !errors.Is(err, visits.ErrUnavailable) { // on a busy machine
							t.Errorf("Visit = %v", err)
						}
						if i%10 == 0 {
							total, err := c.Total()
							if err == nil && total < 1 || err != nil && !errors.Is(err, visits.ErrUnavailable) {
								t.Errorf("Total = %d, %v", total, err)
							}
						}
					})
				}
			}
			group.Wait()
			slices.Sort(numbers)
			numbers = slices.DeleteFunc(numbers, func(n int64) bool { return n == 0 }) // unavailable
			for i, number := range numbers {
				if number > processes*each || i > 0 && number == numbers[i-1] {
					t.Fatalf("visit number %d of %d was given twice or does not exist", number, processes*each)
				}
			}
			if len(numbers) == 0 {
				t.Error("no visit got a number")
			}
			last := open(unobserved)
			eventually(t, "every visit is counted", func() bool {
				total, err := last.Total()
				return err == nil && total >= processes*each
			})
			wantTotal(t, last, processes*each)
		})
	}
}

func TestConcurrentVisitsShareACommand(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			var batches, counted atomic.Int64
			c := kind.open(t)(func(n int) {
				batches.Add(1)
				counted.Add(int64(n))
			})
			var group sync.WaitGroup
			for range 64 {
				group.Go(func() {
					for range 50 {
						c.Visit()
					}
				})
			}
			group.Wait()
			if counted.Load() != 64*50 || batches.Load() > 64*50/4 {
				t.Errorf("%d visits in %d batches, want %d in far fewer", counted.Load(), batches.Load(), 64*50)
			}
		})
	}
}

func TestTotalCountsNothing(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			c := kind.open(t)(unobserved)
			wantTotal(t, c, 0)
			wantTotal(t, c, 0)
			if n, err := c.Visit(); n != 1 || err != nil {
				t.Errorf("Visit = %d, %v, want 1", n, err)
			}
			wantTotal(t, c, 1)
		})
	}
}

func TestTheTotalOutlivesTheProcess(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			open := kind.open(t)
			first := open(unobserved)
			first.Visit()
			if err := first.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantTotal(t, open(unobserved), 1)
		})
	}
}

func TestTheTotalIsAnOrdinaryRedisInteger(t *testing.T) {
	c := openRedis(t)(unobserved)
	client := redisServer.RedisClient()
	defer client.Close()
	if err := client.Set(t.Context(), "visits", 41, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Visit(); n != 42 || err != nil {
		t.Errorf("Visit = %d, %v, want 42", n, err)
	}
	if n, err := client.Incr(t.Context(), "visits").Result(); n != 43 || err != nil {
		t.Errorf("INCR = %d, %v, want 43", n, err)
	}
}

func TestVisitsWhileRedisIsStoppedAreCountedWhenItReturns(t *testing.T) {
	c := openRedis(t)(unobserved)
	if _, err := c.Visit(); err != nil {
		t.Fatal(err)
	}
	if err := redisServer.Stop(); err != nil {
		t.Fatal(err)
	}
	const away = 100
	for range away {
		if n, err := c.Visit(); !errors.Is(err, visits.ErrUnavailable) {
			t.Fatalf("Visit without a server = %d, %v, want ErrUnavailable", n, err)
		}
	}
	if err := redisServer.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the visits are counted", func() bool {
		total, err := c.Total()
		return err == nil && total == 1+away
	})
	if n, err := c.Visit(); n != 2+away || err != nil {
		t.Errorf("Visit = %d, %v, want %d", n, err, 2+away)
	}
}

// The command that hung is applied when Redis goes on, and so is its repetition: once between them.
func TestVisitsWhileRedisHangsAreCountedOnce(t *testing.T) {
	c := openRedis(t)(unobserved)
	if _, err := c.Visit(); err != nil {
		t.Fatal(err)
	}
	if err := redisServer.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	resume := sync.OnceFunc(func() { redisServer.Signal(syscall.SIGCONT) })
	defer resume()
	const hung = 50
	for started := time.Now(); time.Since(started) < 1500*time.Millisecond; { // several repetitions
		if _, err := c.Total(); !errors.Is(err, visits.ErrUnavailable) {
			t.Fatalf("Total of a hung server = %v, want ErrUnavailable", err)
		}
	}
	for range hung {
		if _, err := c.Visit(); !errors.Is(err, visits.ErrUnavailable) {
			t.Fatalf("Visit on a hung server = %v, want ErrUnavailable", err)
		}
	}
	resume()
	eventually(t, "the visits are counted", func() bool {
		total, err := c.Total()
		return err == nil && total == 1+hung
	})
}

func TestCloseCountsWhatIsKept(t *testing.T) {
	open := openRedis(t)
	c := open(unobserved)
	if err := redisServer.Stop(); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		c.Visit()
	}
	closed := make(chan error, 1)
	go func() { closed <- c.Close(t.Context()) }()
	if err := redisServer.Start(); err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close = %v", err)
	}
	wantTotal(t, open(unobserved), 10)
}

func TestCloseThatMayNotWaitSaysSo(t *testing.T) {
	c := openRedis(t)(unobserved)
	if err := redisServer.Stop(); err != nil {
		t.Fatal(err)
	}
	c.Visit()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := c.Close(ctx)
	if startErr := redisServer.Start(); startErr != nil {
		t.Fatal(startErr)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v, want context.Canceled", err)
	}
}
