package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"simpleapp/internal/testsite"
)

// If memory runs out, Linux ends an import before the program that serves beside it.
func TestImportStepsAside(t *testing.T) {
	cmd := exec.Command(binary, "import")
	cmd.Env = []string{"DATA_DIR=" + t.TempDir()}
	input, err := cmd.StdinPipe() // the import waits for it
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer input.Close()
	testsite.Eventually(t, "the import has stepped aside", func() error {
		score, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", cmd.Process.Pid))
		if err == nil && string(score) != "1000\n" {
			err = fmt.Errorf("oom_score_adj = %q, want 1000", score)
		}
		return err
	})
}
