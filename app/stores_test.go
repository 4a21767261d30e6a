package main

import (
	"path/filepath"
	"testing"

	"simpleapp/internal/database"
)

// If the store of the visits has lost its data, export and import go on from what the database
// remembers, as the site does.
func TestCommandsKnowTheRememberedVisits(t *testing.T) {
	environ := embedded(t)
	mustCall(t, environ, `{"visits": 1, "submissions": []}`, "import")
	db, err := database.OpenSQLite(filepath.Join(environ["DATA_DIR"], "submissions.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE visit_total SET total = 100"); err != nil {
		t.Fatal(err)
	}
	if got := visitsIn(t, exportAll(t, environ)); got != 100 {
		t.Errorf("export has %d visits, want the 100 that the database remembers", got)
	}
	mustCall(t, environ, `{"visits": 5, "submissions": []}`, "import")
	if got := visitsIn(t, exportAll(t, environ)); got != 105 {
		t.Errorf("%d visits after an import of 5, want 105", got)
	}
}
