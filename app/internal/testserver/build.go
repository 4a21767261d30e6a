package testserver

import (
	"fmt"
	"os/exec"
)

// Build builds the program of this checkout into a file, whose path must be absolute. The flags are
// those of go build.
func Build(file string, flags ...string) error {
	args := append([]string{"build", "-C", checkout("app"), "-o", file}, flags...)
	if output, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, output)
	}
	return nil
}
