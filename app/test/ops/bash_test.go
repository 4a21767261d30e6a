package ops

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every command says that bash is too old before it uses what an old bash does not have.
func TestCommandsRefuseOldBash(t *testing.T) {
	check, err := os.ReadFile("../../../ops/bash.sh")
	if err != nil {
		t.Fatal(err)
	}
	for version, refused := range map[string]bool{
		"3 2": true, "4 3": true, "4 4": false, "5 0": false,
	} {
		// BASH_VERSINFO itself can't be changed.
		script := "versinfo=(" + version + ")\n" +
			strings.ReplaceAll(string(check), "BASH_VERSINFO", "versinfo")
		out, err := exec.Command("bash", "-euc", script, "ops/scale").CombinedOutput()
		said := strings.HasPrefix(string(out), "scale: bash ") &&
			strings.Contains(string(out), "is too old: install 4.4 or later")
		if (err != nil) != refused || said != refused {
			t.Errorf("bash %s: %v, want refused = %t:\n%s", version, err, refused, out)
		}
	}
	scripts, err := filepath.Glob("../../../ops/*")
	if err != nil || scripts == nil {
		t.Fatalf("the commands are %q: %v", scripts, err)
	}
	for _, script := range scripts {
		content, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		text := string(content)
		if strings.HasPrefix(text, "#!") && !strings.Contains(text, "/lib.sh\"\n") &&
			!strings.Contains(text, "/bash.sh\"\n") {
			t.Errorf("%s sources neither lib.sh nor bash.sh", script)
		}
	}
}
