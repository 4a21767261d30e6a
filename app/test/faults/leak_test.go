package faults

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	sqldb "simpleapp/internal/database"
	"simpleapp/internal/food"
	"simpleapp/internal/tally"
	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
	"simpleapp/internal/visits"
)

// A closed store leaves no goroutine behind, even if its server has hung meanwhile.
func TestClosedStoresLeaveNoGoroutine(t *testing.T) {
	removeEverything(t)
	dir := t.TempDir()
	browser.CloseIdleConnections()
	ignore := goleak.IgnoreCurrent()
	log := slog.New(slog.DiscardHandler)
	counter := visits.OpenRedis(visits.RedisConfig{Addr: cache.Addr,
		Password: func() (string, error) { return cache.Password, nil }}, log, func(int) {})
	embeddedCounter, err := visits.OpenSQLite(filepath.Join(dir, "visits.db"), log, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	onServer, err := sqldb.OpenMySQL(sqldb.MySQLConfig{Addrs: []string{database.Addr},
		Database: testserver.Database, User: testserver.User,
		Password: func() (string, error) { return database.Password, nil }})
	if err != nil {
		t.Fatal(err)
	}
	inFile, err := sqldb.OpenSQLite(filepath.Join(dir, "food.db"))
	if err != nil {
		t.Fatal(err)
	}
	databases := []*sqldb.DB{onServer, inFile}
	var stores []*food.Submissions
	var stopFolding []func()
	for _, db := range databases {
		stores = append(stores, food.New(db, func(int, int) {}))
		stopFolding = append(stopFolding, tally.New(db).Start(log))
	}

	use := func() {
		var group sync.WaitGroup
		for range 50 {
			for _, c := range []*visits.Counter{counter, embeddedCounter} {
				group.Go(func() { c.Visit() })
			}
			for _, s := range stores {
				group.Go(func() { s.Add(testsite.Submission()) })
			}
		}
		group.Wait()
	}
	use()
	resumeCache, resumeDatabase := testsite.Hang(t, cache), testsite.Hang(t, database)
	use()
	resumeCache()
	resumeDatabase()
	use()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	type closer interface{ Close(context.Context) error }
	for _, closer := range []closer{counter, embeddedCounter, stores[0], stores[1]} {
		if err := closer.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	for i, db := range databases {
		stopFolding[i]()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	testsite.Eventually(t, "every goroutine has ended", func() error { return goleak.Find(ignore) })
}
