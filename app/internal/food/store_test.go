package food_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/test/testserver"
)

// stores opens an empty store of each kind.
var stores = []struct {
	name string
	open func(t *testing.T, observe food.Observer) *food.Store
}{
	{"MySQL", func(t *testing.T, observe food.Observer) *food.Store {
		if err := mysqlServer.Empty(); err != nil {
			t.Fatal(err)
		}
		return openMySQL(t, mysqlServer.Addr, observe)
	}},
	{"SQLite", func(t *testing.T, observe food.Observer) *food.Store {
		// A path that an address must quote.
		s, err := food.OpenSQLite(filepath.Join(t.TempDir(), "a b?c%20.db"), quiet, observe)
		return closeAtEnd(t, s, err)
	}},
}

func openMySQL(t *testing.T, addr string, observe food.Observer) *food.Store {
	t.Helper()
	s, err := food.OpenMySQL(food.MySQLConfig{
		Addr: addr, Database: testserver.Database, User: testserver.User,
		Password: func() (string, error) { return mysqlServer.Password, nil },
	}, quiet, observe)
	return closeAtEnd(t, s, err)
}

func closeAtEnd(t *testing.T, s *food.Store, err error) *food.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func unobserved(int, int) {}

var quiet = slog.New(slog.DiscardHandler)

func valid() food.Submission {
	return food.Submission{
		Token: food.NewToken(), FirstName: "Ada", LastName: "Lovelace", FavouriteFood: "Pizza",
		Country: "GB", Pledge: true, AddedAt: time.Now().UTC().Truncate(time.Millisecond),
	}
}

func submissions(records []food.Record) []food.Submission {
	var subs []food.Submission
	for _, r := range records {
		subs = append(subs, r.Submission)
	}
	return subs
}

// Pages follow each other without a gap or a repetition, both ways, also while rows arrive.
func TestPages(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			s := kind.open(t, unobserved)
			add := func() {
				if err := s.Add(valid()); err != nil {
					t.Fatal(err)
				}
			}
			if page, err := s.Before(t.Context(), food.Newest, 3); err != nil || len(page.Records)+int(page.Older)+int(page.Newer) != 0 {
				t.Errorf("an empty table: %v, %v", page, err)
			}
			for range 7 {
				add()
			}
			all, err := s.Recent(t.Context(), 100)
			if err != nil {
				t.Fatal(err)
			}
			page, err := s.Before(t.Context(), food.Newest, 3)
			check := func(want []food.Record, older, newer bool) {
				t.Helper()
				if err != nil || !slices.Equal(page.Records, want) || (page.Older != 0) != older || (page.Newer != 0) != newer {
					t.Fatalf("page = %v, %v, want %v, older %v, newer %v", page, err, want, older, newer)
				}
			}
			check(all[:3], true, false)
			add() // moves nobody's page
			page, err = s.Before(t.Context(), page.Older, 3)
			check(all[3:6], true, true)
			page, err = s.Before(t.Context(), page.Older, 3)
			check(all[6:], false, true)
			page, err = s.After(t.Context(), page.Newer, 3)
			check(all[3:6], true, true)
			page, err = s.After(t.Context(), page.Newer, 3)
			check(all[0:3], true, true)
			if all, err = s.Recent(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
			page, err = s.After(t.Context(), page.Newer, 3) // but one row is newer: the newest page
			check(all[:3], true, false)
			page, err = s.Before(t.Context(), 0, 3)
			check(nil, false, false)
			page, err = s.After(t.Context(), food.Newest, 3)
			check(all[:3], true, false)
		})
	}
}

// Each reads in steps: none is left out or comes twice where one step ends.
func TestEachReturnsEveryRowOnce(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			s := kind.open(t, unobserved)
			const n = 2500
			var group sync.WaitGroup
			for range n {
				group.Go(func() {
					if err := s.Add(valid()); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			tokens, last := make(map[string]bool), int64(0)
			err := s.Each(t.Context(), func(r food.Record) error {
				if r.ID <= last {
					t.Errorf("id %d after %d", r.ID, last)
				}
				last = r.ID
				tokens[r.Token] = true
				return nil
			})
			if err != nil || len(tokens) != n {
				t.Errorf("Each = %d rows, %v, want %d", len(tokens), err, n)
			}
			stop := errors.New("enough")
			if err := s.Each(t.Context(), func(food.Record) error { return stop }); err != stop {
				t.Errorf("Each = %v, want the function's own error", err)
			}
		})
	}
}

func TestStoreReturnsWhatWasAdded(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			s := kind.open(t, unobserved)
			var want []food.Submission
			for _, text := range []string{
				"寿司", "O'Brien", "X", strings.Repeat("🍕", 100), `"; DROP TABLE submissions; --`, `back\slash`,
				"<script>alert(1)</script>", "Å", "ﷺ", "pizza", "Pizza", "á̈",
			} {
				sub := valid()
				sub.FirstName, sub.LastName, sub.FavouriteFood = text, text, text
				if err := s.Add(sub); err != nil {
					t.Fatalf("Add(%q) = %v", text, err)
				}
				want = append([]food.Submission{sub}, want...)
			}
			got, err := s.Recent(t.Context(), len(want)+1)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(submissions(got), want) {
				t.Errorf("Recent:\n got %v\nwant %v", got, want)
			}
			if last, err := s.Recent(t.Context(), 2); err != nil || !slices.Equal(submissions(last), want[:2]) {
				t.Errorf("Recent(2) = %v, %v, want the last two", last, err)
			}
			var each []food.Record
			if err := s.Each(t.Context(), func(r food.Record) error { each = append(each, r); return nil }); err != nil {
				t.Fatal(err)
			}
			slices.Reverse(each)
			if !slices.Equal(each, got) {
				t.Errorf("Each, reversed:\n got %v\nwant %v", each, got)
			}
		})
	}
}

func TestStoreStoresATokenOnce(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			s := kind.open(t, unobserved)
			first := valid()
			other := first
			other.FavouriteFood = "Soup"
			if err := s.Add(first); err != nil {
				t.Fatal(err)
			}
			again := first
			again.AddedAt = again.AddedAt.Add(time.Hour)
			if err := s.Add(again); err != nil {
				t.Errorf("same token, same answers: Add = %v, want nil", err)
			}
			var conflict *food.ConflictError
			if err := s.Add(other); !errors.As(err, &conflict) || conflict.Stored != first {
				t.Errorf("same token, other answers: Add = %v, want a conflict with the first", err)
			}
			if rows, err := s.Recent(t.Context(), 10); err != nil || len(rows) != 1 || rows[0].Submission != first {
				t.Errorf("Recent = %v, %v, want the first alone", rows, err)
			}
		})
	}
}

// Many at once, some twice, some with a token that is taken: one row each, few INSERTs, every answer true.
func TestStoreCombinesConcurrentAdds(t *testing.T) {
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			var batches, seen, stored atomic.Int64
			s := kind.open(t, func(submissions, rows int) {
				batches.Add(1)
				seen.Add(int64(submissions))
				stored.Add(int64(rows))
			})
			const tokens, copies = 200, 5
			var group sync.WaitGroup
			var confirmed, conflicts atomic.Int64
			for range tokens {
				sub := valid()
				for n := range copies {
					sub := sub
					if n == 0 {
						sub.LastName = "Byron"
					}
					group.Go(func() {
						var conflict *food.ConflictError
						switch err := s.Add(sub); {
						case err == nil:
							confirmed.Add(1)
						case errors.As(err, &conflict) && !conflict.Stored.SameAnswers(sub):
							conflicts.Add(1)
						default:
							t.Errorf("Add = %v", err)
						}
					})
				}
			}
			group.Wait()
			rows, err := s.Recent(t.Context(), 2*tokens)
			if err != nil {
				t.Fatal(err)
			}
			var byron int64
			for _, row := range rows {
				if row.LastName == "Byron" {
					byron++
				}
			}
			if len(rows) != tokens || stored.Load() != tokens {
				t.Errorf("%d rows, %d observed, want %d", len(rows), stored.Load(), tokens)
			}
			wantConfirmed := byron + (copies-1)*(tokens-byron)
			if confirmed.Load() != wantConfirmed || conflicts.Load() != tokens*copies-wantConfirmed {
				t.Errorf("%d confirmed, %d conflicts, want %d and %d", confirmed.Load(), conflicts.Load(), wantConfirmed, tokens*copies-wantConfirmed)
			}
			if seen.Load() != tokens*copies || batches.Load() > tokens*copies/4 {
				t.Errorf("%d submissions in %d batches, want %d in far fewer", seen.Load(), batches.Load(), tokens*copies)
			}
		})
	}
}

// A row that the database refuses must not take its neighbours with it.
func TestStoreKeepsTheNeighboursOfABadRow(t *testing.T) {
	s := stores[0].open(t, unobserved)
	var group sync.WaitGroup
	var refused atomic.Int64
	const n = 60
	for i := range n {
		group.Go(func() {
			sub := valid()
			if i%20 == 0 {
				sub.FirstName = strings.Repeat("x", food.MaxLength+1) // Validate would have caught it
			}
			switch err := s.Add(sub); {
			case i%20 == 0 && errors.Is(err, food.ErrNotStored):
				refused.Add(1)
			case i%20 == 0 || err != nil:
				t.Errorf("Add of row %d = %v", i, err)
			}
		})
	}
	group.Wait()
	rows, err := s.Recent(t.Context(), 2*n)
	if err != nil || len(rows) != n-3 || refused.Load() != 3 {
		t.Errorf("%d rows, %d refused, %v; want %d and 3", len(rows), refused.Load(), err, n-3)
	}
}

func TestStoreOnAHungServerAnswersInTime(t *testing.T) {
	s := stores[0].open(t, unobserved)
	if err := s.Add(valid()); err != nil {
		t.Fatal(err)
	}
	if err := mysqlServer.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	resume := sync.OnceFunc(func() { mysqlServer.Signal(syscall.SIGCONT) })
	defer resume()
	sent := valid()
	if err := s.Add(sent); !errors.Is(err, food.ErrUnconfirmed) {
		t.Errorf("Add = %v, want ErrUnconfirmed", err)
	}
	resume()
	if err := s.Add(sent); err != nil {
		t.Errorf("Add again = %v, want nil", err)
	}
	if rows, err := s.Recent(t.Context(), 10); err != nil || len(rows) != 2 {
		t.Errorf("%d rows, %v, want 2", len(rows), err)
	}
}

func TestStoreOnAStoppedServerStoresNothingAndRecovers(t *testing.T) {
	s := stores[0].open(t, unobserved)
	if err := mysqlServer.Stop(); err != nil {
		t.Fatal(err)
	}
	sub := valid()
	err := s.Add(sub)
	if startErr := mysqlServer.Start(); startErr != nil {
		t.Fatal(startErr)
	}
	if !errors.Is(err, food.ErrNotStored) {
		t.Errorf("Add without a server = %v, want ErrNotStored", err)
	}
	if rows, err := s.Recent(t.Context(), 10); err != nil || len(rows) != 0 {
		t.Errorf("%d rows, %v, want none", len(rows), err)
	}
	if err := s.Add(sub); err != nil {
		t.Errorf("Add after the server is back = %v", err)
	}
}

// A server that is starting, or a balancer without one, takes the connection and hangs up or says nothing.
func TestStoreWithoutALoginStoresNothing(t *testing.T) {
	for _, server := range []struct {
		name  string
		serve func(net.Conn)
	}{
		{"hangs up", func(conn net.Conn) { conn.Close() }},
		{"says nothing", func(conn net.Conn) { t.Cleanup(func() { conn.Close() }) }},
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
			s := openMySQL(t, listener.Addr().String(), unobserved)
			if err := s.Add(valid()); !errors.Is(err, food.ErrNotStored) {
				t.Errorf("Add = %v, want ErrNotStored", err)
			}
		})
	}
}

func TestAddAfterCloseStoresNothing(t *testing.T) {
	s, err := food.OpenSQLite(filepath.Join(t.TempDir(), "x.db"), quiet, unobserved)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(valid()); !errors.Is(err, food.ErrNotStored) {
		t.Errorf("Add = %v, want ErrNotStored", err)
	}
}
