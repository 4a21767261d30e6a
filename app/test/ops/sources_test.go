package ops

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A command sources the file of each function that it calls. Some calls are made only when
// something fails, so a run of the command may not show that the file is missing.
func TestCommandsSourceWhatTheyCall(t *testing.T) {
	definition := regexp.MustCompile(`(?m)^(\w+)\(\)`)
	comment := regexp.MustCompile(`(?m)^\s*#.*$`)
	scripts, err := filepath.Glob("../../../ops/*")
	if err != nil {
		t.Fatal(err)
	}
	code := map[string]string{}
	for _, script := range scripts {
		content, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		code[filepath.Base(script)] = comment.ReplaceAllString(string(content), "")
	}
	for _, shared := range []string{"tasks.sh", "running.sh", "passwords.sh"} {
		functions := definition.FindAllStringSubmatch(code[shared], -1)
		if functions == nil {
			t.Errorf("ops/%s defines no function", shared)
		}
		for _, function := range functions {
			call := regexp.MustCompile(`\b` + function[1] + `\b`)
			for script, text := range code {
				if script != shared && call.MatchString(text) &&
					!strings.Contains(text, "\n. ops/"+shared+"\n") {
					t.Errorf("ops/%s calls %s without ops/%s", script, function[1], shared)
				}
			}
		}
	}
}
