package ops

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// Dependabot looks at every folder that has dependencies.
func TestDependabotKnowsEveryFolder(t *testing.T) {
	content, err := os.ReadFile("../../../.github/dependabot.yml")
	if err != nil {
		t.Fatal(err)
	}
	files := exec.Command("git", "ls-files", "--", "*Dockerfile", "*go.mod", "*package.json")
	files.Dir = "../../.."
	out, err := files.Output()
	if err != nil || len(out) == 0 {
		t.Fatalf("git ls-files = %q, %v, want files", out, err)
	}
	ecosystems := map[string]string{
		"Dockerfile": "docker", "go.mod": "gomod", "package.json": "npm",
	}
	for file := range strings.Lines(string(out)) {
		folder, name := filepath.Split(strings.TrimSpace(file))
		_, list, _ := strings.Cut(string(content), "ecosystem: "+ecosystems[name]+"\n")
		list, _, _ = strings.Cut(list, "]") // directories: [/app, /app/test
		folders := strings.Fields(strings.NewReplacer("[", " ", ",", " ").Replace(list))
		if !slices.Contains(folders, "/"+filepath.Clean(folder)) {
			t.Errorf("dependabot.yml does not name %s for %s", folder, ecosystems[name])
		}
	}
}

// An editor ignores a file that it can't read, and a task that does not exist.
func TestEditorFindsItsFiles(t *testing.T) {
	var launch struct {
		Configurations []struct{ PreLaunchTask string }
	}
	var tasks struct {
		Tasks []struct{ Label, Command string }
	}
	var container struct{ PostCreateCommand string }
	for file, into := range map[string]any{".vscode/launch.json": &launch,
		".vscode/tasks.json": &tasks, ".devcontainer/devcontainer.json": &container} {
		content, err := os.ReadFile("../../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(content, into); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if t.Failed() {
		return
	}
	if before := launch.Configurations[0].PreLaunchTask; before != tasks.Tasks[0].Label {
		t.Errorf("launch.json wants the task %q, tasks.json has %q", before, tasks.Tasks[0].Label)
	}
	for _, command := range []string{tasks.Tasks[0].Command, container.PostCreateCommand} {
		dry := exec.Command("bash", "-c", command+" --dry-run")
		dry.Dir = "../../.."
		if out, err := dry.CombinedOutput(); err != nil {
			t.Errorf("%s --dry-run: %v\n%s", command, err, out)
		}
	}
}
