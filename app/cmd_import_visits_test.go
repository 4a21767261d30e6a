package main

import (
	"fmt"
	"strings"
	"testing"
)

// A file with so many visits that the counter could not go on is refused, and so is one that would
// make the sum too large. Nothing of it is stored.
func TestImportRefusesTooManyVisits(t *testing.T) {
	const most = 1 << 52
	environ := embedded(t)
	file := func(visits int64) string {
		return fmt.Sprintf(
			`{"visits": %d, "submissions": [{"first_name": "Ada", "country": "GB"}]}`, visits)
	}
	refused := func(file string) {
		t.Helper()
		out, err := call(t, environ, file, "import")
		if err == nil || out != "" || !strings.Contains(err.Error(), "visits") {
			t.Errorf("import of %s = %q, %v, want an error about visits", file, out, err)
		}
	}
	refused(file(1<<63 - 1))
	refused(file(most + 1))
	refused("-- SimpleApp backup of 2026-01-01T00:00:00Z: 9223372036854775807 visits\n" +
		"-- Dump completed on 2026-01-01 00:00:00\n")
	mustCall(t, environ, file(most), "import", "--only", "visits")
	refused(file(1))
	exported := exportAll(t, environ)
	if got := visitsIn(t, exported); got != most || recordsIn(exported) != "]}\n" {
		t.Errorf("after refused imports the site has %s, want %d visits", exported, most)
	}
	if n := startReady(t, environ).visit(); n != most+1 {
		t.Errorf("the next visit = %d, want %d", n, most+1)
	}
}
