//go:build servers

package visits_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
	"simpleapp/internal/visits"
)

// The tests of this package share this server. A test that stops it starts it again.
var redisServer *testserver.Server

func TestMain(m *testing.M) {
	var err error
	if redisServer, err = testserver.StartRedis(); err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	testserver.Exit(code, redisServer.Close())
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
		}, testsite.Quiet, observe))
	}
}

func TestTotalIsARedisInteger(t *testing.T) {
	c := openRedis(t)(unobserved)
	client := redisServer.RedisClient()
	defer client.Close()
	if err := client.Set(t.Context(), "visits", 41, 0).Err(); err != nil {
		t.Fatal(err)
	}
	wantVisit(t, c, 42)
	if n, err := client.Incr(t.Context(), "visits").Result(); n != 43 || err != nil {
		t.Errorf("INCR = %d, %v, want 43", n, err)
	}
}

func TestVisitsWhileRedisIsStoppedAreCountedLater(t *testing.T) {
	c := openRedis(t)(unobserved)
	wantVisit(t, c, 1)
	restart := testsite.Stop(t, redisServer)
	const missed = 100
	for range missed {
		if n, err := c.Visit(); !errors.Is(err, visits.ErrUnavailable) {
			t.Fatalf("Visit without a server = %d, %v, want ErrUnavailable", n, err)
		}
	}
	restart()
	wantEventually(t, c, 1+missed)
	wantVisit(t, c, 2+missed)
}

// When Redis resumes, it receives both the command that timed out and its retries. It must count
// the visits once.
func TestVisitsWhileRedisHangsAreCountedOnce(t *testing.T) {
	openRedis(t) // empties the store
	var logins atomic.Int64
	c := closeAtEnd(t, visits.OpenRedis(visits.RedisConfig{Addr: redisServer.Addr,
		Password: func() (string, error) {
			logins.Add(1)
			return redisServer.Password, nil
		}}, testsite.Quiet, unobserved))
	wantVisit(t, c, 1)
	before := logins.Load()
	resume := testsite.Hang(t, redisServer)
	const hung = 50
	for range hung {
		if _, err := c.Visit(); !errors.Is(err, visits.ErrUnavailable) {
			t.Fatalf("Visit on a hung server = %v, want ErrUnavailable", err)
		}
	}
	testsite.Eventually(t, "the visits are sent again", func() error {
		if _, err := c.Total(); !errors.Is(err, visits.ErrUnavailable) {
			t.Fatalf("Total of a hung server = %v, want ErrUnavailable", err)
		}
		// Each retry opens a connection.
		if n := logins.Load() - before; n < 3 {
			return fmt.Errorf("%d retries", n)
		}
		return nil
	})
	resume()
	wantEventually(t, c, 1+hung)
}

func TestCloseCountsKeptVisits(t *testing.T) {
	open := openRedis(t)
	c := open(unobserved)
	restart := testsite.Stop(t, redisServer)
	for range 10 {
		c.Visit()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- c.Close(ctx) }()
	restart()
	if err := <-closed; err != nil {
		t.Errorf("Close = %v", err)
	}
	wantTotal(t, open(unobserved), 10)
}

func TestCloseReportsVisitsItCannotCount(t *testing.T) {
	c := openRedis(t)(unobserved)
	restart := testsite.Stop(t, redisServer)
	c.Visit()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := c.Close(ctx)
	restart()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v, want context.Canceled", err)
	}
}

// A process that runs while Redis loses its data needs no database to know the total.
func TestTotalOutlivesTheDataOfRedis(t *testing.T) {
	c := openRedis(t)(unobserved)
	for range 3 {
		c.Visit()
	}
	wantEventually(t, c, 3)
	client := redisServer.RedisClient()
	defer client.Close()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	wantTotal(t, c, 3)
	wantVisit(t, c, 4)
}

func init() { kinds = append(kinds, kind{"Redis", openRedis}) }
