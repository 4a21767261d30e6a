package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

// A site that stops tells the database its visits, even if the store of the visits does not answer
// in time.
func TestCloseRemembersTheVisitsWithoutTheirStore(t *testing.T) {
	environ := embedded(t)
	cfg, err := loadConfig(environ)
	if err != nil {
		t.Fatal(err)
	}
	site, err := openSite(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	visit := func() {
		site.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
	visit()
	store, err := sql.Open("sqlite", "file:"+filepath.Join(environ["DATA_DIR"], "visits.db")+
		"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	// On a slow disk, the page is there before its visit is counted.
	eventually(t, "the first visit is counted", func() error {
		var n int
		err := store.QueryRow("SELECT total FROM visits").Scan(&n)
		if err == nil && n != 1 {
			err = fmt.Errorf("%d visits are counted", n)
		}
		return err
	})
	tx, err := store.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("UPDATE visits SET total = total"); err != nil { // locks the file
		t.Fatal(err)
	}
	visit()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := site.close(ended); err == nil {
		t.Error("close = nil, want that the second visit is lost")
	}
	db, err := openDatabase(cfg, cfg.mysql())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var total int
	err = db.QueryRow("SELECT total FROM visit_total").Scan(&total)
	if err != nil || total != 1 {
		t.Errorf("the database remembers %d visits, %v, want 1", total, err)
	}
}
