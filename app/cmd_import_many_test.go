package main

import (
	"fmt"
	"strings"
	"testing"

	"simpleapp/internal/food"
)

// import stores a large file in several transactions, because a server in a group has memory only
// for transactions of a limited size. After an error, --merge stores the rest.
func TestImportOfManyGoesOnAfterAnError(t *testing.T) {
	const many = 10_000
	records := make([]string, many+1)
	for i := range records {
		records[i] = fmt.Sprintf(`{"token": %q, "first_name": "Ada", "country": "GB"}`,
			food.NewToken())
	}
	whole := "[" + strings.Join(records, ",\n") + "]"
	cutOff := strings.TrimSuffix(whole, "]")
	for _, setup := range setups {
		t.Run(setup.name, func(t *testing.T) {
			environ := setup.environ(t)
			_, err := call(t, environ, cutOff, "import")
			const want = "record 10002: the file is incomplete: 10000 submissions are stored, " +
				"and no visits were added: put that right, then repeat this with --merge"
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("import of a file that was cut off = %v, want %q", err, want)
			}
			got := mustCall(t, environ, whole, "import", "--merge")
			if !strings.HasPrefix(got, "stored 1 submissions") ||
				!strings.HasSuffix(got, "\nskipped 10000 that were stored before\n") {
				t.Errorf("import --merge of the whole file = %q, want that it stores the last", got)
			}
		})
	}
}

// Without tokens a second import could not know what the first one has stored.
func TestImportOfManyWithoutTokensIsWhole(t *testing.T) {
	environ := embedded(t)
	record := `{"first_name": "Ada", "country": "GB"}`
	file := "[" + strings.Repeat(record+",\n", 10_001) + `{"no_such_field": "Tea"}]`
	_, err := call(t, environ, file, "import")
	if err == nil || !strings.Contains(err.Error(), "nothing was imported") {
		t.Errorf("import of a file with a mistake = %v, want that it imports nothing", err)
	}
	// import refuses a site with submissions, so this succeeds only if nothing was stored.
	mustCall(t, environ, "["+record+"]", "import")
}
