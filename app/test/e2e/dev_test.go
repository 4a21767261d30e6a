package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

// make dev shows what a developer changes: a template, a style and a Go file. It ends all its
// programs with ctrl-C.
func TestMakeDevShowsChanges(t *testing.T) {
	d := startDev(t)
	d.await("/", "<h1")
	d.change("internal/web/templates/home.html", "<h1", `<h1 id="new"`)
	d.await("/", `id="new"`)

	d.change("internal/web/static/site.css", "", ".new-style { color: teal }\n")
	d.await("/static/site.0.css", ".new-style") // whatever the hash is

	d.change("internal/web/home.go", `"pong"`, `"changed"`)
	d.await("/ping", "changed")
	// A file that does not compile ends the site until it does.
	d.change("internal/web/home.go", "package web", "package web\nbroken")
	testsite.Within(t, 5*time.Minute, "make dev shows the mistake", func() error {
		if !strings.Contains(d.log(), "home.go:2:") {
			return fmt.Errorf("it shows\n%s", d.log())
		}
		return nil
	})
	d.change("internal/web/home.go", `"changed"`, `"repaired"`)
	d.change("internal/web/home.go", "package web\nbroken", "package web")
	d.await("/ping", "repaired")
}

// A dev is a copy of the repository in which make dev runs.
type dev struct {
	*testing.T
	dir, site, logFile string
}

// startDev starts make dev. The end of the test ends it as ctrl-C does, and checks that no program
// is left.
func startDev(t *testing.T) *dev {
	t.Helper()
	d := &dev{T: t, dir: t.TempDir(), logFile: filepath.Join(t.TempDir(), "log")}
	copyFiles := exec.Command("bash", "-euo", "pipefail", "-c", `git ls-files -z --cached --others \
		--exclude-standard | xargs -0 cp --parents --target-directory "$0"`, d.dir)
	copyFiles.Dir = "../../.."
	if out, err := copyFiles.CombinedOutput(); err != nil {
		t.Fatalf("copy the repository: %v\n%s", err, out)
	}
	freeAddress := func() string { return fmt.Sprintf("127.0.0.1:%d", testsite.FreePort(t)) }
	address := freeAddress()
	d.site = "http://" + address
	log, err := os.Create(d.logFile)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("make", "dev")
	cmd.Dir, cmd.Stdout, cmd.Stderr = d.dir, log, log
	cmd.Env = append(os.Environ(), "ADDR="+address, "ADMIN_ADDR="+freeAddress())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	group := -cmd.Process.Pid
	// The input of guard ends with the test, even if the test is killed. Then guard kills what has
	// not ended.
	guard := exec.Command("sh", "-c", "read -r nothing; kill -KILL $0", fmt.Sprint(group))
	input, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		syscall.Kill(group, syscall.SIGKILL)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer guard.Wait()
		defer input.Close()
		syscall.Kill(group, syscall.SIGINT)
		go cmd.Wait() // a process that has ended stays in its group until somebody waits for it
		testsite.Within(t, time.Minute, "all programs end", func() error {
			if err := syscall.Kill(group, 0); err != syscall.ESRCH {
				return fmt.Errorf("some still run: %v\n%s", err, d.log())
			}
			return nil
		})
	})
	return d
}

// change replaces old in a file of the folder app, or appends to the file if old is "".
func (d *dev) change(file, old, replacement string) {
	d.Helper()
	file = filepath.Join(d.dir, "app", file)
	content, err := os.ReadFile(file)
	if err != nil {
		d.Fatal(err)
	}
	changed := strings.Replace(string(content), old, replacement, 1)
	if old == "" {
		changed = string(content) + replacement
	}
	if changed == string(content) {
		d.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		d.Fatal(err)
	}
}

// await waits until a page has this text.
func (d *dev) await(path, want string) {
	d.Helper()
	testsite.Within(d, 5*time.Minute, "GET "+path+" has "+want, func() error {
		if page, err := testsite.TryGet(d.site + path); !strings.Contains(page, want) {
			return fmt.Errorf("it is %s (%v)\n%s", page, err, d.log())
		}
		return nil
	})
}

func (d *dev) log() string {
	content, _ := os.ReadFile(d.logFile)
	return string(content)
}
