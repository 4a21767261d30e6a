package ops

import (
	"os"
	"strings"
	"testing"
)

// GitHub and .ci/run run the same checks: those of make ci.
func TestBothRunMakeCI(t *testing.T) {
	for file, want := range map[string]string{
		".ci/run": "\nif ! make ci 2>&1 | tee", ".github/workflows/ci.yml": "- run: make ci\n"} {
		content, err := os.ReadFile("../../../" + file)
		if err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%s (%v) has no %q", file, err, want)
		}
	}
}
