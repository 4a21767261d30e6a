package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"simpleapp/internal/food"
	"simpleapp/internal/testsite"
)

// call runs a subcommand and returns what it printed.
func call(t *testing.T, environ map[string]string, stdin string, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	err := run(t.Context(), invocation{args: args, environ: environ,
		stdin: strings.NewReader(stdin), stdout: &out, stderr: io.Discard})
	return out.String(), err
}

// mustCall is call for a subcommand that must succeed.
func mustCall(t *testing.T, environ map[string]string, stdin string, args ...string) string {
	t.Helper()
	out, err := call(t, environ, stdin, args...)
	if err != nil {
		t.Fatalf("%v = %v", args, err)
	}
	return out
}

// exportAll exports the submissions and the visits of a site, as `make backup` does.
func exportAll(t *testing.T, environ map[string]string) string {
	t.Helper()
	return mustCall(t, environ, "", "export", "--format", "json", "--visits")
}

// visitsIn returns the number of visits in an export.
func visitsIn(t *testing.T, exported string) int64 {
	t.Helper()
	var file struct{ Visits int64 }
	if err := json.Unmarshal([]byte(exported), &file); err != nil {
		t.Fatal(err)
	}
	return file.Visits
}

// recordsIn returns the records in an export without their ids, because an import assigns new ones.
func recordsIn(exported string) string {
	_, records, _ := strings.Cut(exported, "[")
	return regexp.MustCompile(`"id": \d+, `).ReplaceAllString(records, "")
}

var favourites = []string{"Pizza", "pizza", `'=1; "x" \' \n`, "寿司 🍣"}

// fill submits forms to a site, and visits it.
func fill(t *testing.T, environ map[string]string) {
	t.Helper()
	p := startReady(t, environ)
	for _, favourite := range favourites {
		form := testsite.Form()
		form.Set("favourite_food", favourite)
		wantStored(t, p.url, form)
	}
	get(t, p.url+"/")
	get(t, p.url+"/")
	p.stop()
	<-p.ended
}

func TestImportRestoresAnExport(t *testing.T) {
	for _, setup := range setups {
		t.Run(setup.name, func(t *testing.T) {
			environ := setup.environ(t)
			fill(t, environ)
			exported := exportAll(t, environ)
			for _, target := range setups {
				environ := target.environ(t)
				before := visitsIn(t, exportAll(t, environ))
				out := mustCall(t, environ, exported, "import")
				visits := visitsIn(t, exported)
				want := fmt.Sprintf("stored 4 submissions, each read back and compared\n"+
					"imported %d visits\n", visits)
				if out != want || visits < 2 {
					t.Errorf("import into %s = %q, want %q", target.name, out, want)
				}
				again := exportAll(t, environ)
				if got := visitsIn(t, again) - before; got != visits {
					t.Errorf("import added %d visits to %s, want %d", got, target.name, visits)
				}
				if got, want := recordsIn(again), recordsIn(exported); got != want {
					t.Errorf("after import %s has\n%s\nwant\n%s", target.name, got, want)
				}
				results := get(t, startReady(t, environ).url+"/results")
				wantBody(t, results, "<bdi>Pizza</bdi>", "<bdi>寿司 🍣</bdi>")
			}
		})
	}
}

func TestImportMerges(t *testing.T) {
	for _, setup := range setups {
		t.Run(setup.name, func(t *testing.T) {
			environ := setup.environ(t)
			fill(t, environ)
			exported := exportAll(t, environ)
			_, err := call(t, environ, exported, "import")
			if !errors.Is(err, food.ErrNotEmpty) || !strings.Contains(err.Error(), "--merge") {
				t.Errorf("import into a site with submissions = %v, want it to name --merge", err)
			}
			kept := strings.Replace(exported, `"first_name": "Ada"`, `"first_name": "Other"`, 1)
			added := `[{"token": "` + food.NewToken() + `", "first_name": "New", "country": "GB"}]`
			for _, test := range []struct{ file, want string }{
				{kept, "stored 0 submissions, each read back and compared\n" +
					"skipped 4 that were stored before\n"},
				{added, "stored 1 submissions, each read back and compared\n"},
			} {
				out := mustCall(t, environ, test.file, "import", "--merge", "--only", "submissions")
				if out != test.want {
					t.Errorf("import --merge = %q, want %q", out, test.want)
				}
			}
			got := exportAll(t, environ)
			if strings.Contains(got, "Other") || strings.Count(got, "\n") != 7 {
				t.Errorf("after --merge the site has %s, want one more submission", got)
			}
			csv := mustCall(t, environ, "", "export")
			_, err = call(t, environ, csv, "import", "--merge")
			if err == nil || !strings.Contains(err.Error(), "no token") {
				t.Errorf("import --merge of a CSV = %v, want it refused", err)
			}
		})
	}
}

func TestImportReadsCSVAndOldBackups(t *testing.T) {
	old, err := os.ReadFile("testdata/old-backup.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, setup := range setups {
		t.Run(setup.name, func(t *testing.T) {
			environ := setup.environ(t)
			fill(t, environ)
			csv := mustCall(t, environ, "", "export", "--bom")
			for file, want := range map[string][]string{
				csv:         favourites,
				string(old): {"Pizza", `O'Brien's "stew", (hot); \ 寿司`},
			} {
				environ := setup.environ(t)
				mustCall(t, environ, file, "import", "--only", "submissions")
				var records []struct {
					FavouriteFood string `json:"favourite_food"`
				}
				exported := mustCall(t, environ, "", "export", "--format", "json")
				if err := json.Unmarshal([]byte(exported), &records); err != nil {
					t.Fatal(err)
				}
				var foods []string
				for _, r := range records {
					foods = append(foods, r.FavouriteFood)
				}
				if !slices.Equal(foods, want) {
					t.Errorf("foods = %q, want %q", foods, want)
				}
			}
		})
	}
	environ := embedded(t)
	out := mustCall(t, environ, string(old), "import")
	if !strings.HasSuffix(out, "imported 1234 visits\n") {
		t.Errorf("import of an old backup = %q, want 1234 visits", out)
	}
	mustCall(t, environ, string(old), "import", "--only", "visits")
	if got := visitsIn(t, exportAll(t, environ)); got != 2468 {
		t.Errorf("%d visits after two imports of 1234, want 2468", got)
	}
}

// A pipe into import breaks if import does not read all of it. The visits of an incomplete file are
// not imported either.
func TestImportOfVisitsReadsTheWholeFile(t *testing.T) {
	environ := embedded(t)
	records := strings.Repeat(`{"first_name": "Ada", "country": "GB"},`+"\n", 10_000)
	file := `{"visits": 5, "submissions": [` + strings.TrimSuffix(records, ",\n")
	if out, err := call(t, environ, file, "import", "--only", "visits"); err == nil || out != "" {
		t.Errorf("import of a file that was cut off = %q, %v, want an error", out, err)
	}
	in := strings.NewReader(file + "]}\n")
	var out strings.Builder
	err := run(t.Context(), invocation{args: []string{"import", "--only", "visits"},
		environ: environ, stdin: in, stdout: &out, stderr: io.Discard})
	if err != nil || in.Len() != 0 {
		t.Errorf("import = %v with %d bytes left unread, want none", err, in.Len())
	}
	if got := visitsIn(t, exportAll(t, environ)); got != 5 {
		t.Errorf("%d visits, want 5", got)
	}
}

func TestImportStoresAllOrNothing(t *testing.T) {
	token := food.NewToken()
	record := func(token, more string) string {
		return fmt.Sprintf(`{"token": %q, "first_name": "Ada", "country": "GB"%s}`, token, more)
	}
	many := strings.Repeat(`{"first_name": "Ada", "country": "GB"},`+"\n", 1200)
	long := strings.Repeat("x", 101)
	files := map[string]string{
		"nothing":             "",
		"cut off":             "[" + many,
		"cut off at the end":  `{"visits": 1, "submissions": [` + record(token, "") + "]",
		"more after the end":  "[" + record(token, "") + "] []",
		"an unknown field":    "[" + many + record(token, `, "no_such_field": "Tea"`) + "]",
		"a number":            "[" + many + record(token, `, "last_name": 1`) + "]",
		"a bad time":          "[" + many + record(token, `, "added_at": "yesterday"`) + "]",
		"a long name":         "[" + many + record(token, `, "last_name": "`+long+`"`) + "]",
		"a bad token":         "[" + many + record("abc", "") + "]",
		"no country":          "[" + many + `{"first_name": "Ada"}]`,
		"a token twice":       "[" + record(token, "") + "," + record(token, "") + "]",
		"invalid JSON":        "{1}",
		"other JSON":          `{"users": []}`,
		"a row that is short": "first_name,country\nAda\n",
		"another CSV":         "First name,Country\nAda,GB\n",
		"another SQL":         "-- MySQL dump\n",
		"a backup that is cut off": "-- SimpleApp backup of 2026-01-01T00:00:00Z: 5 visits\n" +
			"INSERT INTO `submissions` (`token`, `country`) VALUES ('" + token + "','GB');\n",
	}
	for _, setup := range setups {
		t.Run(setup.name, func(t *testing.T) {
			environ := setup.environ(t)
			before := visitsIn(t, exportAll(t, environ))
			for name, file := range files {
				out, err := call(t, environ, file, "import")
				if err == nil || !strings.HasPrefix(err.Error(), "nothing was imported: ") ||
					out != "" {
					t.Errorf("import of %s = %q, %v, want that it imports nothing", name, out, err)
				}
			}
			got := exportAll(t, environ)
			if visitsIn(t, got) != before || recordsIn(got) != "]}\n" {
				t.Errorf("after failed imports the site has %.300s, want nothing", got)
			}
		})
	}
}
