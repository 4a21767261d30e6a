package ops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Errors of the program go to standard error, so that a script that discards the output shows them.
func TestErrorsGoToStandardError(t *testing.T) {
	const docker = manager + oneContainer + `
  run*|exec*import*) echo an answer; echo "an error; select one with --id" >&2; exit 1 ;;
`
	file := filepath.Join(t.TempDir(), "site.json")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ command, variable string }{
		{"forget", "REFERENCE=3f9a-2c71-b04e"},
		{"restore", "ONLY=visits"},
	} {
		out, errors, status := newOperator(t, docker).
			runSeparately(test.command, test.variable, "FILE="+file)
		want := test.command + ": an error; select one with ID=…"
		if status != 1 || strings.Contains(out, "error") || !strings.Contains(errors, want) {
			t.Errorf("%s = %d, %q, want 1 and the error %q:\n%s", test.command, status, out, want,
				errors)
		}
	}
}
