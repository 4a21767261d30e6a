package ops

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// GitHub's workflow and .ci/run call the same make targets.
func TestWorkflowRunsTheTargetsOfCI(t *testing.T) {
	read := func(path string) string {
		content, err := os.ReadFile("../../../" + path)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	var want []string
	for _, call := range regexp.MustCompile(`(?m)^make (.+)$`).
		FindAllStringSubmatch(read(".ci/run"), -1) {
		want = append(want, call[1])
	}
	matrix := regexp.MustCompile(`targets: \[(.+)\]`).
		FindStringSubmatch(read(".github/workflows/ci.yml"))
	if matrix == nil {
		t.Fatal("ci.yml has no list of targets")
	}
	got := strings.Fields(strings.NewReplacer(",", " ", `"`, " ").Replace(matrix[1]))
	if !slices.Equal(got, want) {
		t.Errorf("ci.yml runs make %v, want make %v as .ci/run does", got, want)
	}
}
