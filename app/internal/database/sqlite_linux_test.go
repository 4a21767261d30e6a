package database_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"simpleapp/internal/database"
	"simpleapp/internal/testsite"
)

// If the disk does not confirm a COMMIT, the rows may be in the log of the file. SQLite would find
// them there after a crash.
func TestWriteThatTheDiskDoesNotConfirm(t *testing.T) {
	db := testsite.EmptySQLite(t)
	defer db.Close()
	db.SetMaxOpenConns(1)
	write := database.Statement{SQL: "UPDATE visit_total SET total = total + 1"}
	if err := db.Write(t.Context(), write); err != nil { // opens the log
		t.Fatal(err)
	}
	loseSync(t, "-wal")
	err := db.Write(t.Context(), write)
	if err == nil || db.Classify(err) != database.Unknown {
		t.Errorf("Write = %v, of class %d, want an error of class %d (Unknown)",
			err, db.Classify(err), database.Unknown)
	}
}

// loseSync puts /dev/null in the place of each open file whose name ends with ending. /dev/null
// accepts writes but can't be synced.
func loseSync(t *testing.T, ending string) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	open, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, link := range open {
		if name, err := os.Readlink(link); err != nil || !strings.HasSuffix(name, ending) {
			continue
		}
		fd, err := strconv.Atoi(filepath.Base(link))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Dup3(int(null.Fd()), fd, 0); err != nil {
			t.Fatal(err)
		}
		lost++
	}
	if lost == 0 {
		t.Fatalf("no file with the ending %s is open", ending)
	}
}
