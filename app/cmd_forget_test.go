package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"simpleapp/internal/testsite"
)

func TestForgetRemovesEveryTrace(t *testing.T) {
	environ := embedded(t)
	p := startReady(t, environ)
	vile := testsite.Form()
	vile.Set("first_name", "Vile")
	vile.Set("favourite_food", "Something vile")
	vile.Set("country", "CL")
	answer := wantStored(t, p.url, vile)
	reference := testsite.Reference(answer)
	typed := strings.ToUpper(strings.ReplaceAll(reference, "-", "")) // as a visitor may write it
	for range 3 {
		wantStored(t, p.url, testsite.Form())
	}
	out := mustCall(t, environ, "", "forget", typed)
	for _, want := range []string{"removed id 1, ", `"Vile"`, `"Something vile"`, "country CL"} {
		if !strings.Contains(out, want) {
			t.Errorf("forget = %q, want %q in it", out, want)
		}
	}
	wantNothingOf(t, filepath.Join(environ["DATA_DIR"], "submissions.db"), "vile", "CL")
	results := get(t, p.url+"/results")
	wantBody(t, results, "<bdi>Pizza</bdi>", "<span>3</span>")
	for _, args := range [][]string{
		{"forget"}, {"forget", "3f9a"}, {"forget", reference}, {"forget", reference, reference},
	} {
		if out, err := call(t, environ, "", args...); err == nil {
			t.Errorf("%v = %q, nil, want an error", args, out)
		}
	}
	vile.Set("favourite_food", "Tea")
	wantStored(t, p.url, vile) // no conflict, because the token is not stored any more
}

// After simpleapp forget no file has a word of the submission, not even in its unused parts.
func TestForgetOverwritesWhatItRemoves(t *testing.T) {
	environ := embedded(t)
	p := startReady(t, environ)
	form := testsite.Form()
	form.Set("favourite_food", "Zqxwvfood")
	answer := wantStored(t, p.url, form)
	mustCall(t, environ, "", "forget", testsite.Reference(answer))
	p.stop()
	<-p.ended
	files, err := filepath.Glob(filepath.Join(environ["DATA_DIR"], "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the files are %q, %v", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(bytes.ToLower(content), []byte("zqxwv")); n > 0 {
			t.Errorf("%s still has the food %d times, want none", file, n)
		}
	}
}

// wantNothingOf checks that no value in the tables submissions, tallies and tally_log contains one
// of the words.
func wantNothingOf(t *testing.T, file string, words ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range []string{"submissions", "tallies", "tally_log"} {
		rows, err := db.Query("SELECT * FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(columns))
			pointers := make([]any, len(columns))
			for i := range values {
				pointers[i] = &values[i]
			}
			if err := rows.Scan(pointers...); err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprint(values...)
			for _, word := range words {
				if strings.Contains(text, word) {
					t.Errorf("the table %s has the row %s, want it removed", table, text)
				}
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// A client can choose its token so that its submission has the reference of another one.
func TestForgetAsksWhichOfSeveral(t *testing.T) {
	environ := embedded(t)
	file := filepath.Join(environ["DATA_DIR"], "submissions.db")
	site := testsite.New(t, testsite.OpenSQLite(t, file))
	// The SHA-256 of both tokens begins with the same 48 bits.
	var reference string
	for _, token := range []string{
		"00000000000000000000000000fcc897", "000000000000000000000000002541f7",
	} {
		sub := testsite.Submission()
		sub.Token = token
		if err := site.Store(sub); err != nil {
			t.Fatal(err)
		}
		reference = sub.Reference()
	}
	out, err := call(t, environ, "", "forget", reference)
	if err == nil || !strings.Contains(err.Error(), "--id") || strings.Count(out, "\n") != 2 {
		t.Errorf("forget = %q, %v, want both shown and nothing removed", out, err)
	}
	out = mustCall(t, environ, "", "forget", "--id", "2", reference)
	if !strings.HasPrefix(out, "removed id 2, ") {
		t.Errorf("forget --id 2 = %q, want id 2 removed", out)
	}
	out = mustCall(t, environ, "", "forget", reference)
	if !strings.HasPrefix(out, "removed id 1, ") {
		t.Errorf("forget of the other submission = %q, want id 1 removed", out)
	}
}
