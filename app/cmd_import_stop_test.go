package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/testsite"
)

// The first signal ends an import that waits for its input, and the error says what is stored.
func TestImportStopsWhileItWaitsForInput(t *testing.T) {
	record := func() string {
		return fmt.Sprintf(`{"token": %q, "first_name": "Ada", "country": "GB"}, `, food.NewToken())
	}
	many := new(strings.Builder)
	many.WriteString("[")
	for range 10_001 {
		many.WriteString(record())
	}
	for _, test := range []struct {
		name, args, input, want string
		stored                  int
	}{
		{"before the first byte", "import", "", "nothing was imported: ", 0},
		{"among the first records", "import", "[" + record(), "nothing was imported: ", 0},
		{"in a CSV", "import", "first_name,country\nAda,GB\n", "nothing was imported: ", 0},
		{"in the header of an old backup", "import", "-- Simple", "nothing was imported: ", 0},
		{"with visits alone", "import --only visits",
			`{"visits": 3, "submissions": [` + record(), "nothing was imported: ", 0},
		{"after the first part", "import", many.String(), "10000 submissions are stored", 10_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			environ := embedded(t)
			mustCall(t, environ, "", "migrate")
			in, terminal := io.Pipe()
			defer terminal.Close()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan error, 1)
			go func() {
				err := run(ctx, invocation{args: strings.Fields(test.args), environ: environ,
					stdin: in, stdout: io.Discard, stderr: io.Discard})
				in.Close() // a Write that nobody reads then fails
				ended <- err
			}()
			// A Write returns when the program's goroutine that reads the terminal has read its
			// data. That goroutine reads the space only when the import has read all before it.
			pieces := []string{test.input, " "}
			if test.input == "" {
				pieces = nil
			}
			for _, piece := range pieces {
				if _, err := io.WriteString(terminal, piece); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, "the first part is stored", func() error {
				if n := storedIn(t, environ); n != test.stored {
					return fmt.Errorf("%d submissions are stored", n)
				}
				return nil
			})
			stop()
			select {
			case err := <-ended:
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("import = %v, want an error with %q", err, test.want)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("the import has not ended")
			}
			if n := storedIn(t, environ); n != test.stored {
				t.Errorf("%d submissions are stored, want %d", n, test.stored)
			}
			if got := visitsIn(t, exportAll(t, environ)); got != 0 {
				t.Errorf("%d visits are imported, want none", got)
			}
		})
	}
}

// storedIn returns the number of submissions in an environment with SQLite.
func storedIn(t *testing.T, environ map[string]string) (n int) {
	t.Helper()
	db := testsite.OpenSQLite(t, filepath.Join(environ["DATA_DIR"], "submissions.db"))
	defer db.Close()
	if err := db.QueryRow("SELECT COUNT(*) FROM submissions").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
