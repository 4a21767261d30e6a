package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The make targets work in a folder whose name has a space. Scripts replace the commands that the
// targets call. Each script appends its working folder and its arguments to a file, one per line.
func TestMakeInAFolderWithASpace(t *testing.T) {
	root, tools := filepath.Join(t.TempDir(), "Simple App"), t.TempDir()
	calls := filepath.Join(tools, "calls")
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"app/assets", "app/test/e2e",
		"app/test/bench/others/express", "bin", "ops", "mysql_db/group"} {
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
	script := "#!/bin/sh\n{ pwd; printf '%s\\n' \"$@\"; } >>'" + calls + "'\n"
	for _, name := range []string{"go", "gofmt", "git", "shellcheck", "npm", "node", "docker",
		"touch"} {
		write(filepath.Join(tools, name), script)
	}
	for _, path := range []string{"app/assets/bootstrap.scss", "app/assets/package.json",
		"app/assets/package-lock.json", "app/test/e2e/package.json",
		"app/test/e2e/package-lock.json", "app/test/bench/others/express/package.json",
		"app/test/bench/others/express/package-lock.json", "app/test/setup", "bin/staticcheck",
		"bin/actionlint", "ops/push",
		"mysql_db/administer"} {
		write(filepath.Join(root, path), script)
	}

	for _, target := range []string{"build", "assets", "check-pages", "screenshots", "lighthouse",
		"lint", "fuzz", "bench", "bench-others", "up", "migrate", "down", "logs", "ps",
		"test-deploy", "test-faults", "test-cluster", "push"} {
		os.Remove(calls)
		cmd := exec.Command("make", target)
		cmd.Dir = root
		cmd.Env = []string{"PATH=" + tools + ":" + os.Getenv("PATH")}
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("make %s: %v\n%s", target, err, output)
			continue
		}
		content, err := os.ReadFile(calls)
		if err != nil {
			t.Errorf("make %s calls nothing: %v", target, err)
		}
		lines := strings.Split(strings.TrimSpace(string(content)), "\n")
		for _, line := range lines {
			split := strings.Contains(line, "Simple") != strings.Contains(line, root)
			if split || strings.HasPrefix(line, "App") {
				t.Errorf("make %s splits the name of the folder: it passes %q", target, line)
			}
		}
		if target == "screenshots" {
			checkScreenshotsFolder(t, root, lines[len(lines)-1])
		}
	}
}

// checkScreenshotsFolder checks the folder that `make screenshots` passes to its test.
func checkScreenshotsFolder(t *testing.T, root, folder string) {
	t.Helper()
	if !filepath.IsAbs(folder) {
		// go test runs the test in the folder of its package.
		folder = filepath.Join(root, "app/test/e2e/pages", folder)
	}
	want := filepath.Join(root, "screenshots")
	info, err := os.Stat(folder)
	if folder != want || err != nil || !info.IsDir() {
		t.Errorf("make screenshots writes to %q (%v), want the folder %q", folder, err, want)
	}
}
