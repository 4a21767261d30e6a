//go:build servers

package database_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/database"
	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// readOnly sets whether a server refuses writes, as all members of a group except the primary do.
func readOnly(t *testing.T, s *testserver.Server, value bool) {
	t.Helper()
	root := s.Root()
	defer root.Close()
	if _, err := root.Exec("SET GLOBAL read_only = ?", value); err != nil {
		t.Fatal(err)
	}
}

// secondServer returns a read-only server where the app has the same password as on the first.
func secondServer(t *testing.T) *testserver.Server {
	t.Helper()
	second := testsite.StartServer(t, testserver.StartMySQL)
	root := second.Root()
	defer root.Close()
	_, err := root.Exec("ALTER USER '" + testserver.User + "'@'%' IDENTIFIED BY '" +
		testsite.MySQL().Password + "'")
	if err != nil {
		t.Fatal(err)
	}
	readOnly(t, second, true)
	return second
}

// Writers go on when the primary becomes read-only and another server takes its place. Each
// confirmed row is stored once. A refused row is not stored.
func TestWritesFollowThePrimary(t *testing.T) {
	if err := testsite.MySQL().Empty(); err != nil {
		t.Fatal(err)
	}
	servers := []*testserver.Server{testsite.MySQL(), secondServer(t)}
	defer readOnly(t, servers[0], false)
	db := testsite.OpenMySQL(t, servers[0].Addr, servers[1].Addr)
	defer db.Close()

	const moves = 6
	var wrote, refused atomic.Int64
	stop := make(chan struct{})
	var writers sync.WaitGroup
	end := sync.OnceFunc(func() {
		close(stop)
		writers.Wait()
	})
	defer end()
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("writer %d row %d", w, i)
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				err := db.Retry(ctx, func() error {
					err := db.Write(ctx, database.Statement{
						SQL:  "INSERT INTO tallies (scope, name, n) VALUES ('test', ?, 1)",
						Args: []any{name}})
					if err != nil && db.Classify(err) == database.Moved {
						refused.Add(1)
					}
					return err
				})
				cancel()
				if err != nil {
					t.Errorf("%s = %v", name, err)
					return
				}
				wrote.Add(1)
			}
		})
	}
	for range moves {
		before := wrote.Load()
		testsite.Eventually(t, "writers go on", func() error {
			if n := wrote.Load() - before; n < 50 {
				return fmt.Errorf("%d rows were written", n)
			}
			return nil
		})
		readOnly(t, servers[0], true)
		servers[0], servers[1] = servers[1], servers[0]
		readOnly(t, servers[0], false)
	}
	end()
	var rows int64
	for _, s := range servers {
		root := s.Root()
		defer root.Close()
		var n int64
		err := root.QueryRow("SELECT COUNT(*) FROM tallies WHERE scope = 'test'").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			t.Error("a server has no row, want some on each")
		}
		rows += n
	}
	if rows != wrote.Load() {
		t.Errorf("%d rows are stored, want the %d that were confirmed", rows, wrote.Load())
	}
	t.Logf("%d rows, %d refusals, %d moves", rows, refused.Load(), moves)
	if refused.Load() == 0 {
		t.Errorf("no write was refused in %d moves, want some", moves)
	}
}

// answersOnce returns an address that answers the first connection like addr, and no other one.
func answersOnce(t *testing.T, addr string) string {
	t.Helper()
	return proxy(t, addr, 1, func(to io.Writer, from io.Reader) { io.Copy(to, from) })
}

// While no server takes writes, a write to several servers waits for one until its deadline, and a
// write to one server is refused at once. In both cases the operator's hint says what is the
// matter, even if the servers no longer answer at the deadline.
func TestWriteWithoutAPrimary(t *testing.T) {
	servers := []*testserver.Server{testsite.MySQL(), secondServer(t)}
	readOnly(t, servers[0], true)
	defer readOnly(t, servers[0], false)
	for name, addrs := range map[string][]string{
		"one server":  {servers[0].Addr},
		"two servers": {servers[0].Addr, servers[1].Addr},
		"servers that stop answering": {answersOnce(t, servers[0].Addr),
			answersOnce(t, servers[1].Addr)},
	} {
		t.Run(name, func(t *testing.T) {
			db := testsite.OpenMySQL(t, addrs...)
			defer db.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			err := db.Write(ctx, database.Statement{
				SQL: "INSERT INTO tallies (scope, name, n) VALUES ('test', 'x', 1)"})
			const want = "no server takes writes at the moment"
			if hint := database.Hint(err); err == nil || len(hint) < len(want) ||
				hint[:len(want)] != want {
				t.Errorf("Write = %v, with the hint %q, want %q", err, hint, want)
			}
			if class := db.Classify(err); class == database.Unknown {
				t.Errorf("Classify(%v) = Unknown, want that nothing is written", err)
			}
		})
	}
}

// A command of an operator has no deadline. It gives up while no server takes writes.
func TestPingGivesUpWithoutAPrimary(t *testing.T) {
	servers := []*testserver.Server{testsite.MySQL(), secondServer(t)}
	readOnly(t, servers[0], true)
	defer readOnly(t, servers[0], false)
	db := testsite.OpenMySQL(t, servers[0].Addr, servers[1].Addr)
	defer db.Close()
	pinged := make(chan error, 1)
	go func() { pinged <- db.PingContext(t.Context()) }()
	select {
	case err := <-pinged:
		if err == nil || database.Hint(err) == "" {
			t.Errorf("Ping = %v, want an error with a hint", err)
		}
	case <-time.After(time.Minute): // it gives up after about 30 s
		t.Error("Ping does not give up within a minute")
	}
}
