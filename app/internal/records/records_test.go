package records

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/food"
)

// sample returns a record that has text in every text field.
func sample(text string) food.Record {
	r := food.Record{ID: 7, Submission: food.Submission{
		Token: food.NewToken(), Country: "GB", Pledge: true,
		AddedAt: time.Date(2026, 11, 25, 17, 36, 7, 125e6, time.UTC),
	}}
	for _, field := range food.TextFields {
		field.Set(&r.Submission, text)
	}
	return r
}

// write returns a file in each format with one record.
func write(t *testing.T, r food.Record) (csv, json string) {
	t.Helper()
	var csvOut, jsonOut strings.Builder
	csvWriter, err := NewCSVWriter(&csvOut)
	if err == nil {
		err = csvWriter.Write(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	visits := int64(12)
	jsonWriter, err := NewJSONWriter(&jsonOut, &visits)
	if err == nil {
		err = errors.Join(jsonWriter.Write(r), jsonWriter.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return csvOut.String(), jsonOut.String()
}

// read returns the submissions in a file.
func read(file string) (all []food.Submission, err error) {
	r, err := NewReader(strings.NewReader(file))
	if err != nil {
		return nil, err
	}
	for {
		s, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
}

// An operator searches a JSON export for words, and finds them as they were written.
func TestJSONShowsTextAsItIs(t *testing.T) {
	const text = "Mac & cheese <3 寿司"
	if _, json := write(t, sample(text)); !strings.Contains(json, `: "`+text+`"`) {
		t.Errorf("the JSON has no %q:\n%s", text, json)
	}
}

// Reading a file returns the text that was written, for every text that a visitor can submit.
func FuzzReader(f *testing.F) {
	for _, text := range []string{"Pizza", `'=1;"x",=2`, "''=", "+'-@", "＝", "\ufeff=1", "a|=b",
		"寿司 🍣", "", `\n`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := sample(text)
		r.Submission = r.Normalized()
		if errs := r.Validate(); len(errs) > 0 {
			return
		}
		csv, json := write(t, r)
		withoutToken := r.Submission
		withoutToken.Token = "" // CSV has no token
		for file, want := range map[string]food.Submission{
			csv: withoutToken, "\ufeff" + csv: withoutToken, json: r.Submission,
		} {
			got, err := read(file)
			if err != nil || len(got) != 1 || got[0] != want {
				t.Errorf("Next of\n%s\n= %+v, %v, want %+v", file, got, err, want)
			}
		}
	})
}

func TestReaderDetectsIncompleteFiles(t *testing.T) {
	r := sample("Pizza")
	csv, json := write(t, r)
	for _, n := range []int{5, 20} {
		if got, err := read(csv[:len(csv)-n]); !errors.Is(err, ErrIncomplete) {
			t.Errorf("Next of %q = %v, %v, want ErrIncomplete", csv[:len(csv)-n], got, err)
		}
	}
	if got, err := read("id,first_name,last_name"); !errors.Is(err, ErrIncomplete) {
		t.Errorf("a CSV with half a header = %v, %v, want ErrIncomplete", got, err)
	}
	for n := range len(json) - 1 { // without the line feed at the end, the JSON is complete
		if got, err := read(json[:n]); !errors.Is(err, ErrIncomplete) {
			t.Errorf("Next of %q = %v, %v, want ErrIncomplete", json[:n], got, err)
		}
	}
	const backup = "-- SimpleApp backup of 2026-11-20T10:00:00Z: 5 visits\n" +
		"INSERT INTO `submissions` (`id`, `country`, `first_name`) VALUES (1,'GB','O\\'Neil');\n" +
		"-- Dump completed on 2026-11-20 10:00:00\n"
	got, err := read(backup)
	if err != nil || len(got) != 1 || got[0].FirstName != "O'Neil" || got[0].Country != "GB" {
		t.Errorf("Next of a backup = %+v, %v, want O'Neil in GB", got, err)
	}
	for n := range strings.LastIndex(backup, "completed") + len("completed") {
		if got, err := read(backup[:n]); !errors.Is(err, ErrIncomplete) {
			t.Errorf("Next of %q = %v, %v, want ErrIncomplete", backup[:n], got, err)
		}
	}
}

// The error says what is wrong with a file that is whole, or with a record that is too long. It
// does not say that the file is incomplete.
func TestReaderSaysWhatIsWrong(t *testing.T) {
	long := strings.Repeat("GB ", 1<<20)
	for file, want := range map[string]string{
		"first_name,country\nAda, Countess,GB\n": "a cell with a comma needs quotes",
		`[{"country": "GB"}] ]`:                  "followed by something else: invalid character",
		`[{"country": "GB"}] 7`:                  "followed by 7",
		`[{"country": "GB"}, "Ada"]`:             "record 2: it is not a JSON object",
		`[null]`:                                 "record 1: it is not a JSON object",
		`[{"last_name": null}]`:                  "record 1: last_name is not a string",
		`[{"last_name": {"a": 1}}]`:              "record 1: last_name is not a string",
		`{"visits": "many", "submissions": []}`:  "visits: it is not a whole number",
		"country\nGB\n\"" + long:                 "record 2: it is longer than 1 MB",
		`[{"country": "GB"}, "` + long:           "record 2: it is longer than 1 MB",
		"-- SimpleApp backup of 2026-11-20T10:00:00Z: 5 visits\nINSERT " +
			long: "record 1: it is longer than 1 MB",
	} {
		_, err := read(file)
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, ErrIncomplete) {
			t.Errorf("Next of %.100q = %.200v, want %q", file, err, want)
		}
	}
}

// A file that somebody has edited may begin with white space.
func TestReaderSkipsWhiteSpaceBeforeTheFile(t *testing.T) {
	for _, file := range []string{
		"\n[{\"first_name\": \"Ada\", \"country\": \"GB\"}]",
		"\ufeff \r\n\tfirst_name,country\nAda,GB\n",
	} {
		got, err := read(file)
		if err != nil || len(got) != 1 || got[0].FirstName != "Ada" {
			t.Errorf("Next of %q = %+v, %v, want Ada", file, got, err)
		}
	}
	if got, err := read("\n "); !errors.Is(err, ErrIncomplete) {
		t.Errorf("Next of white space = %v, %v, want ErrIncomplete", got, err)
	}
}

// A file with damaged text is refused, and the error names the record. encoding/json alone would
// replace the damage, and the import would store other text than the file has.
func TestReaderRefusesDamagedText(t *testing.T) {
	const (
		csv  = "first_name,country\nAda,GB\n%s,GB\n"
		json = `[{"first_name": "Ada", "country": "GB"}, {"first_name": "%s", "country": "GB"}]`
	)
	for _, test := range []struct {
		name, file, text string
		want             string // the first name in the second record, or "" for an error
	}{
		{"CSV, a broken byte", csv, "Ad\xff", ""},
		{"JSON, a broken byte", json, "Ad\xff", ""},
		{"JSON, half a character", json, `Ad\ud83c`, ""},
		{"JSON, the other half", json, `Ad\uDF55x`, ""},
		{"JSON, half a character after a replacement character", json, `�\ufffd\ud83c`, ""},
		{"JSON, half a character after the text of an escape", json, `\\ufffd\ud83c`, ""},
		{"JSON, the text of an escape", json, `\\ufffd`, `\ufffd`},
		{"JSON, both halves", json, `\ud83c\udf55`, "🍕"},
		{"JSON, a replacement character", json, "Ad�", "Ad�"},
		{"JSON, a replacement character as an escape", json, `Ad\uFFFD`, "Ad�"},
		{"JSON, a backslash", json, `Ad\\ud83c`, `Ad\ud83c`},
		{"CSV, a replacement character", csv, "Ad�", "Ad�"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := strings.Replace(test.file, "%s", test.text, 1)
			got, err := read(file)
			switch {
			case test.want == "" && (err == nil || !strings.Contains(err.Error(), "record 2:")):
				t.Errorf("Next of %q = %v, %v, want an error of record 2", file, got, err)
			case test.want != "" && (err != nil || len(got) != 2 || got[1].FirstName != test.want):
				t.Errorf("Next of %q = %+v, %v, want %q", file, got, err, test.want)
			}
		})
	}
}

func TestCSVHasNoToken(t *testing.T) {
	r := sample("Pizza")
	csv, json := write(t, r)
	if strings.Contains(csv, r.Token) || !strings.Contains(json, r.Token) {
		t.Errorf("the token is %s\nCSV: %s\nJSON: %s\nwant it only in the JSON", r.Token, csv, json)
	}
}
