//go:build servers

package main

import (
	"io"
	"strings"
	"testing"
)

// If a volume was lost, the server may have its first password again, while the app has a newer
// one.
func TestImportExplainsAWrongPassword(t *testing.T) {
	wrong := passwordFile(t, "wrong")
	before := visitsIn(t, exportAll(t, onServers()))
	const file = `{"visits": 5, "submissions": []}`
	for _, variable := range []string{"MYSQL_PASSWORD_FILE", "REDIS_PASSWORD_FILE"} {
		out, err := call(t, with(onServers(), variable, wrong), file, "import")
		if err == nil || !strings.Contains(err.Error(), "nothing was imported") ||
			!strings.Contains(err.Error(), "the password in "+variable) || out != "" {
			t.Errorf("import with a wrong %s = %q, %v, want an error that names the variable",
				variable, out, err)
		}
	}
	var errors strings.Builder
	err := run(t.Context(), invocation{args: []string{"export", "--format", "json", "--visits"},
		environ: with(onServers(), "REDIS_PASSWORD_FILE", wrong),
		stdout:  io.Discard, stderr: &errors})
	const want = "the password in REDIS_PASSWORD_FILE"
	if err != nil || !strings.Contains(errors.String(), want) {
		t.Errorf("export --visits with a wrong password = %v and %q, want a warning with %q",
			err, errors.String(), want)
	}
	if got := visitsIn(t, exportAll(t, onServers())); got != before {
		t.Errorf("%d visits after imports that failed, want %d", got, before)
	}
}
