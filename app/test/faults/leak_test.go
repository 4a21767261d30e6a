package faults

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"simpleapp/internal/food"
	"simpleapp/internal/visits"
)

// A store that is closed leaves no goroutine behind, whatever became of its server meanwhile.
func TestClosedStoresLeaveNoGoroutine(t *testing.T) {
	empty(t)
	dir := t.TempDir()
	plain.CloseIdleConnections()
	ignore := goleak.IgnoreCurrent()
	password := func() (string, error) { return database.Password, nil }
	counter := visits.OpenRedis(visits.RedisConfig{Addr: cache.Addr,
		Password: func() (string, error) { return cache.Password, nil }}, slog.New(slog.DiscardHandler), func(int) {})
	embeddedCounter, err := visits.OpenSQLite(filepath.Join(dir, "visits.db"), slog.New(slog.DiscardHandler), func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	store, err := food.OpenMySQL(food.MySQLConfig{Addr: database.Addr, Database: "simple_db", User: "simpleapp",
		Password: password}, slog.New(slog.DiscardHandler), func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	embeddedStore, err := food.OpenSQLite(filepath.Join(dir, "food.db"), slog.New(slog.DiscardHandler), func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}

	use := func() {
		var group sync.WaitGroup
		for range 50 {
			for _, c := range []*visits.Counter{counter, embeddedCounter} {
				group.Go(func() { c.Visit() })
			}
			for _, s := range []*food.Store{store, embeddedStore} {
				group.Go(func() {
					sub := submission("Pizza")
					sub.AddedAt = time.Now().UTC()
					s.Add(sub)
				})
			}
		}
		group.Wait()
	}
	use()
	resumeCache, resumeDatabase := hang(t, cache), hang(t, database)
	use()
	resumeCache()
	resumeDatabase()
	use()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, closer := range []interface{ Close(context.Context) error }{counter, embeddedCounter, store, embeddedStore} {
		if err := closer.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	goleak.VerifyNone(t, ignore)
}
