package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"simpleapp/internal/food"
	"simpleapp/internal/testsite"
)

func TestExportHelp(t *testing.T) {
	out := mustCall(t, embedded(t), "", "export", "--help")
	for _, want := range []string{"usage: simpleapp export", "-format", "-bom", "byte order mark"} {
		if !strings.Contains(out, want) {
			t.Errorf("export --help = %q, want %q in it", out, want)
		}
	}
	for _, args := range [][]string{{"help"}, {"--help"}} {
		if got := mustCall(t, embedded(t), "", args...); !strings.Contains(got, "--bom") {
			t.Errorf("%v = %q, want the usage with --bom", args, got)
		}
	}
	if _, err := call(t, embedded(t), "", "nothing"); err == nil ||
		!strings.Contains(err.Error(), "--bom") {
		t.Errorf("nothing = %v, want the usage with --bom", err)
	}
}

// No text of a visitor may begin a formula. The spreadsheet may split cells at other
// characters than commas, and may ignore quotation marks.
func TestExportHasNoFormulas(t *testing.T) {
	environ := embedded(t)
	file := filepath.Join(environ["DATA_DIR"], "submissions.db")
	site := testsite.New(t, testsite.OpenSQLite(t, file))
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{";", ";", ",", "\t", "|", "\n", `"`, `"`, `""`, "'", " ", "\u00a0", "\u200b",
		"\ufeff", "=", "=1+2", "+", "-", "@", "＝", "x", "é"}
	text := func() string {
		var b strings.Builder
		for range 1 + random.IntN(8) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	const rows = 500
	var group sync.WaitGroup
	for range rows {
		sub := food.Submission{Token: food.NewToken(), FirstName: text(), LastName: text(),
			FavouriteFood: text(), Country: "GB", AddedAt: time.Now().UTC()}
		group.Go(func() {
			if err := site.Store(sub); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	out := mustCall(t, environ, "", "export")
	check := func(how, cell string) {
		shown := strings.TrimLeftFunc(cell, func(r rune) bool {
			return r == '"' || !unicode.IsGraphic(r) || unicode.IsSpace(r)
		})
		if shown != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(shown)[0]) {
			t.Errorf("%s: the cell %q is a formula", how, cell)
		}
	}
	for _, separator := range ",;\t|" {
		reader := csv.NewReader(strings.NewReader(out))
		reader.Comma, reader.LazyQuotes, reader.FieldsPerRecord = separator, true, -1
		records, err := reader.ReadAll()
		if err != nil || separator == ',' && len(records) != 1+rows {
			t.Fatalf("separated by %q: %d records, %v, want %d",
				separator, len(records), err, 1+rows)
		}
		for _, cell := range slices.Concat(records...) {
			check(fmt.Sprintf("separated by %q", separator), cell)
		}
		split := func(r rune) bool { return r == separator || r == '\n' }
		for _, cell := range strings.FieldsFunc(out, split) {
			check(fmt.Sprintf("split at %q", separator), cell)
		}
	}
}

func TestExport(t *testing.T) {
	for _, setup := range setups {
		t.Run(setup.name, func(t *testing.T) {
			environ := setup.environ(t)
			export := func(format string, more ...string) string {
				args := append([]string{"export", "--format", format}, more...)
				return mustCall(t, environ, "", args...)
			}
			if got := export("json"); got != "[]\n" {
				t.Errorf("export of an empty site = %q, want []", got)
			}
			p := startReady(t, environ)
			foods := []string{`=HYPERLINK("http://x")`, "+1", "-1", "@SUM(A1)", "＝1", "'=1",
				"x;=1+2;y", `x; "-1"`,
				"Mac, \"cheese\"", "x=1; y", "7-Up + rum", "'nduja", "寿司"}
			wantCells := []string{`'=HYPERLINK("http://x")`, "'+1", "'-1", "'@SUM(A1)", "'＝1",
				"''=1", "x;'=1+2;y", `x; "'-1"`,
				"Mac, \"cheese\"", "x=1; y", "7-Up + rum", "'nduja", "寿司"}
			for _, favourite := range foods {
				form := validForm()
				form.Set("favourite_food", favourite)
				wantStored(t, p.url, form)
			}

			rows, err := csv.NewReader(strings.NewReader(export("csv"))).ReadAll()
			if err != nil || len(rows) != 1+len(foods) {
				t.Fatalf("export = %v, %v, want a header and %d rows", rows, err, len(foods))
			}
			for i, want := range wantCells {
				row := make(map[string]string)
				for column, name := range rows[0] {
					row[name] = rows[1+i][column]
				}
				if row["favourite_food"] != want || row["first_name"] != "Ada" ||
					row["country"] != "GB" {
					t.Errorf("row %d = %q, want the food %q", i, row, want)
				}
			}
			if marked := export("csv", "--bom"); marked != "\ufeff"+export("csv") {
				t.Errorf("export --bom = %q, want the same CSV after a byte order mark", marked)
			}

			var records []struct {
				FavouriteFood string    `json:"favourite_food"`
				AddedAt       time.Time `json:"added_at"`
			}
			err = json.Unmarshal([]byte(export("json")), &records)
			if err != nil || len(records) != len(foods) {
				t.Fatalf("export --format json = %v, %v, want %d records",
					records, err, len(foods))
			}
			for i, favourite := range foods {
				r := records[i]
				if r.FavouriteFood != favourite || time.Since(r.AddedAt) > time.Hour {
					t.Errorf("record %d = %v, want the food %q, just added", i, r, favourite)
				}
			}
		})
	}
	for _, args := range [][]string{
		{"export", "--format", "xml"}, {"export", "--all"}, {"export", "csv"},
		{"export", "--format", "json", "--bom"}, {"export", "--visits"},
	} {
		if _, err := call(t, embedded(t), "", args...); err == nil {
			t.Errorf("%v = nil, want an error", args)
		}
	}
}

// If a store's certificate is not trusted, the warning names the variables of that store alone.
func TestExportNamesTheStoreWithAnUnknownCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that fail
	server.StartTLS()
	defer server.Close()
	password := passwordFile(t, "secret")
	environ := with(setups[0].environ(t), "REDIS_TLS", "verify", "REDIS_PASSWORD_FILE", password,
		"REDIS_ADDR", server.Listener.Addr().String())
	var said strings.Builder
	err := run(t.Context(), invocation{args: []string{"export", "--format", "json", "--visits"},
		environ: environ, stdout: io.Discard, stderr: &said})
	if err != nil || !strings.Contains(said.String(), "REDIS_TLS=verify") ||
		strings.Contains(said.String(), "MYSQL") {
		t.Errorf("export = %v and %q, want a warning that names REDIS_TLS", err, said.String())
	}
}

// If a server does not answer, the error names its variable alone, and export prints no header.
func TestCommandsNameTheServerThatDoesNotAnswer(t *testing.T) {
	password := passwordFile(t, "secret")
	for _, test := range []struct{ command, variable, other string }{
		{"export", "MYSQL", "REDIS"},
		{"migrate", "MYSQL", "REDIS"},
		{"import", "REDIS", "MYSQL"},
	} {
		environ := with(setups[0].environ(t), test.variable+"_ADDR", "127.0.0.1:1",
			test.variable+"_PASSWORD_FILE", password)
		out, err := call(t, environ, `{"visits": 1, "submissions": []}`, test.command)
		want := "no server answers at " + test.variable + "_ADDR"
		if err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), test.other) || out != "" {
			t.Errorf("%s = %q, %v, want no output, and the error %q",
				test.command, out, err, want)
		}
	}
}
