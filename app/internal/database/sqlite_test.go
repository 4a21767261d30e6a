package database_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"simpleapp/internal/database"
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
