package database_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/database"
	"simpleapp/internal/testsite"
)

// While another process holds the lock of the file, a write promises that nothing is stored.
func TestWriteToALockedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "submissions.db")
	db, err := database.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other, err := database.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin() // locks the file
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = db.Write(ctx, database.Statement{SQL: "UPDATE visit_total SET total = 7"})
	if err == nil || db.Classify(err) != database.Refused {
		t.Errorf("Write = %v, of class %d, want an error of class %d (Refused)",
			err, db.Classify(err), database.Refused)
	}
}

// A write waits for another writer until its deadline, and then promises that nothing is stored.
func TestWriteBehindALongTransaction(t *testing.T) {
	db := testsite.EmptySQLite(t)
	defer db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	written := make(chan error, 1)
	err := db.Update(t.Context(), func(*sql.Tx) error {
		go func() {
			written <- db.Write(ctx, database.Statement{SQL: "UPDATE visit_total SET total = 7"})
		}()
		select {
		case err := <-written:
			if ctx.Err() == nil {
				t.Error("Write gave up before its deadline")
			}
			if err == nil || db.Classify(err) != database.Refused {
				t.Errorf("Write = %v, of class %d, want an error of class %d (Refused)",
					err, db.Classify(err), database.Refused)
			}
		case <-time.After(10 * time.Second):
			t.Error("Write waits for the transaction although its deadline has passed")
		}
		return nil
	})
	if err != nil {
		t.Errorf("Update = %v", err)
	}
}

// The hint says what the operator can do about a file that can't be written.
func TestHintOfAReadOnlyFile(t *testing.T) {
	db := testsite.EmptySQLite(t)
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	err := db.Write(t.Context(), database.Statement{SQL: "UPDATE visit_total SET total = 7"})
	const want = "let this user write"
	if err == nil || !strings.Contains(database.Hint(err), want) {
		t.Errorf("the hint of %v = %q, want %q", err, database.Hint(err), want)
	}
}
