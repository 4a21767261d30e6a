package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The targets work in a folder whose name has a space. What they call is replaced by a command that
// notes its folder and its arguments, one a line.
func TestMakeInAFolderWithASpace(t *testing.T) {
	root, tools := filepath.Join(t.TempDir(), "Simple App"), t.TempDir()
	calls := filepath.Join(tools, "calls")
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"app/assets", "app/test/e2e", "bin", "ops", "mysql_db"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(path, content string) {
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(root, "Makefile"), string(makefile))
	note := "#!/bin/sh\n{ pwd; printf '%s\\n' \"$@\"; } >>'" + calls + "'\n"
	for _, name := range []string{"go", "gofmt", "git", "shellcheck", "npm", "node", "docker",
		"touch"} {
		write(filepath.Join(tools, name), note)
	}
	for _, path := range []string{"app/assets/app.js", "app/assets/package.json", "app/assets/package-lock.json",
		"app/test/e2e/package.json", "app/test/e2e/package-lock.json", "app/test/setup", "bin/staticcheck",
		"ops/push", "mysql_db/migrate"} {
		write(filepath.Join(root, path), note)
	}

	for _, target := range []string{"build", "assets", "check-pages", "screenshots", "lighthouse", "lint", "fuzz", "bench",
		"up", "migrate", "down", "logs", "ps", "test-deploy", "test-faults", "push"} {
		os.Remove(calls)
		cmd := exec.Command("make", target)
		cmd.Dir = root
		cmd.Env = []string{"PATH=" + tools + ":" + os.Getenv("PATH")}
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("make %s: %v\n%s", target, err, output)
			continue
		}
		noted, err := os.ReadFile(calls)
		if err != nil {
			t.Errorf("make %s calls nothing: %v", target, err)
		}
		lines := strings.Split(strings.TrimSpace(string(noted)), "\n")
		for _, line := range lines {
			if strings.Contains(line, "Simple") != strings.Contains(line, root) || strings.HasPrefix(line, "App") {
				t.Errorf("make %s passes on %q, a part of the folder's name", target, line)
			}
		}
		if target == "screenshots" {
			folder := lines[len(lines)-1]
			if !filepath.IsAbs(folder) {
				folder = filepath.Join(root, "app/test/e2e/pages", folder) // where go test runs the test
			}
			if info, err := os.Stat(folder); err != nil || !info.IsDir() || folder != filepath.Join(root, "screenshots") {
				t.Errorf("the pictures are written to %q: %v", folder, err)
			}
		}
	}
}
