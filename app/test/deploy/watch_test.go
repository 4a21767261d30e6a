package deploy

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/testsite"
	"simpleapp/test/engine"
)

// docker compose up --watch shows a changed template or style at the next request, and a changed Go
// file after a build. The container stays read-only.
func TestWatchShowsChanges(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	version, port := engine.Version+"-watch", testsite.FreePort(t)
	name := engine.RandomName()
	env := fmt.Sprintf("COMPOSE_PROJECT_NAME=%s\nHTTP_PORT=%d\n", name, port)
	if err := os.WriteFile(filepath.Join(c.dir, ".env"), []byte(env), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	ctx, interrupt := context.WithCancel(engine.UntilInterrupted)
	up := exec.CommandContext(ctx, "docker", "compose", "up", "--build", "--watch")
	up.Dir, up.Stdout, up.Stderr = c.dir, &out, &out
	up.Env = append(os.Environ(), "VERSION="+version)
	up.Cancel = func() error { return up.Process.Signal(os.Interrupt) }
	up.WaitDelay = time.Minute
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		interrupt()
		up.Wait()
		if t.Failed() {
			t.Logf("docker compose up --watch:\n%s", &out)
		}
		const down = `VERSION=$0 docker compose down --volumes --rmi all --timeout 1`
		engine.Command{Dir: c.dir}.Clean(t, "bash", "-c", down, version)
	})
	site := fmt.Sprintf("http://127.0.0.1:%d", port)
	await := func(path, want string) {
		t.Helper()
		start := time.Now()
		defer func() { t.Logf("%s after %v", want, time.Since(start)) }()
		engine.Eventually(t, "GET "+path+" has "+want, func() error {
			page, err := testsite.TryGet(site + path)
			if err != nil || !strings.Contains(page, want) {
				return fmt.Errorf("it is %s (%v)", page, err)
			}
			return nil
		})
	}
	change := func(file, script string) {
		t.Helper()
		c.sh("sed -i '" + script + "' app/" + file)
	}
	await("/ping", "pong")
	inspect := func(format string) string {
		t.Helper()
		return docker(t, "inspect", "--type", "container", "--format", format, name+"_app")
	}
	container := inspect("{{.Id}}")
	change("internal/web/templates/home.html", `s/<h1/<h1 id="new"/`)
	await("/", `<h1 id="new"`)
	if now := inspect("{{.Id}}"); now != container {
		t.Error("a changed template has replaced the container")
	}
	change("internal/web/home.go", `s/"pong"/"changed"/`)
	await("/ping", "changed")
	change("internal/web/static/site.css", `$a .new-style { color: teal }`)
	await("/static/site.0.css", ".new-style")
	if readOnly := inspect("{{.HostConfig.ReadonlyRootfs}}"); readOnly != "true" {
		t.Errorf("the container's file system is read-only: %s, want true", readOnly)
	}
}
