package main

import (
	"path/filepath"
	"strings"
	"testing"

	"simpleapp/internal/database"
	"simpleapp/internal/testsite"
)

// An older version goes on counting in a file that this version has opened. Its keys contain
// zero-width spaces. forget refuses a food that it counted, and says that migrate helps.
func TestMigrateMergesTheFoodsOfAnOlderVersion(t *testing.T) {
	environ := embedded(t)
	p := startReady(t, environ)
	answer := wantStored(t, p.url, testsite.Form())
	reference := testsite.Reference(answer)
	var results testsite.Answer // the page folds the log
	testsite.Folded(t, func() { results = get(t, p.url+"/results") })
	wantBody(t, results, "<bdi>Pizza</bdi>")
	p.stop()
	<-p.ended
	db, err := database.OpenSQLite(filepath.Join(environ["DATA_DIR"], "submissions.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"UPDATE tallies SET name = 'pizza\u200b' WHERE scope = 'food'",
		"UPDATE tallies SET scope = 'food:pizza\u200b' WHERE scope = 'food:pizza'",
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	_, err = call(t, environ, "", "forget", reference)
	if err == nil || !strings.Contains(err.Error(), "run `simpleapp migrate` first") {
		t.Errorf("forget = %v, want it to name migrate", err)
	}
	want := "merged 1 spellings of foods in the results\nthe schema is up to date\n"
	if out := mustCall(t, environ, "", "migrate"); out != want {
		t.Errorf("migrate = %q, want %q", out, want)
	}
	mustCall(t, environ, "", "forget", reference)
}
