//go:build servers

package food_test

import (
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/testsite"
)

func TestMain(m *testing.M) { testsite.Main(m) }

func TestAddOnAHungServerAnswersInTime(t *testing.T) {
	s := testsite.EmptyMySQL(t)
	if err := s.Store(testsite.Submission()); err != nil {
		t.Fatal(err)
	}
	resume := testsite.Hang(t, testsite.MySQL())
	sent, began := testsite.Submission(), time.Now()
	if err := s.Add(sent); !errors.Is(err, food.ErrUnconfirmed) {
		t.Errorf("Add = %v, want ErrUnconfirmed", err)
	}
	const limit = 10 * time.Second // Add promises 4 s; the rest is for a busy machine
	if took := time.Since(began); took > limit {
		t.Errorf("Add took %v, want at most %v", took, limit)
	}
	resume()
	if err := s.Store(sent); err != nil {
		t.Errorf("Store again = %v, want nil", err)
	}
	if rows, err := s.Recent(t.Context(), 10); err != nil || len(rows) != 2 {
		t.Errorf("%d rows, %v, want 2", len(rows), err)
	}
}

func TestAddOnAStoppedServerStoresNothingAndRecovers(t *testing.T) {
	s := testsite.EmptyMySQL(t)
	if err := testsite.MySQL().Stop(); err != nil {
		t.Fatal(err)
	}
	sub := testsite.Submission()
	err := s.Add(sub)
	if startErr := testsite.MySQL().Start(); startErr != nil {
		t.Fatal(startErr)
	}
	if !errors.Is(err, food.ErrNotStored) {
		t.Errorf("Add without a server = %v, want ErrNotStored", err)
	}
	if rows, err := s.Recent(t.Context(), 10); err != nil || len(rows) != 0 {
		t.Errorf("%d rows, %v, want none", len(rows), err)
	}
	if err := s.Store(sub); err != nil {
		t.Errorf("Store after the server is back = %v", err)
	}
}

// A server that is starting, or a load balancer without a server, accepts connections. It closes
// them or never answers.
func TestAddWithoutALoginStoresNothing(t *testing.T) {
	for _, server := range []struct {
		name  string
		serve func(net.Conn)
	}{
		{"closes the connection", func(conn net.Conn) { conn.Close() }},
		{"never answers", func(conn net.Conn) { t.Cleanup(func() { conn.Close() }) }},
	} {
		t.Run(server.name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					server.serve(conn)
				}
			}()
			s := testsite.New(t, testsite.OpenMySQL(t, listener.Addr().String()))
			if err := s.Add(testsite.Submission()); !errors.Is(err, food.ErrNotStored) {
				t.Errorf("Add = %v, want ErrNotStored", err)
			}
		})
	}
}

// The database refuses some rows of a batch. The other rows must be stored.
func TestAddStoresTheOtherRowsOfABatchWithABadRow(t *testing.T) {
	s := testsite.EmptyMySQL(t)
	var group sync.WaitGroup
	var refused atomic.Int64
	const n = 60
	for i := range n {
		group.Go(func() {
			sub := testsite.Submission()
			if i%20 == 0 {
				sub.FirstName = strings.Repeat("x", food.MaxLength+1) // Validate would refuse it
			}
			switch err := s.Store(sub); {
			case i%20 == 0 && errors.Is(err, food.ErrNotStored) &&
				errors.Is(err, food.ErrInvalidData):
				refused.Add(1)
			case i%20 == 0 || err != nil:
				t.Errorf("Store of row %d = %v", i, err)
			}
		})
	}
	group.Wait()
	rows, err := s.Recent(t.Context(), 2*n)
	if err != nil || len(rows) != n-3 || refused.Load() != 3 {
		t.Errorf("%d rows, %d refused, %v; want %d and 3", len(rows), refused.Load(), err, n-3)
	}
}
