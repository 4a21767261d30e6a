package deploy

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"simpleapp/test/engine"
)

// machines are the values of the ELF header by Go's names of the architectures.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// A clone is a repository with one commit: the files of this one as they are now.
type clone struct {
	testing.TB
	dir string
}

func newClone(t testing.TB) clone {
	t.Helper()
	c := clone{t, t.TempDir()}
	c.sh(`git init --quiet
		git remote add origin https://user:secret@git.example.com/team/simpleapp.git
		(cd "$0" && git ls-files -z --cached --others --exclude-standard) |
			(cd "$0" && xargs -0 cp --parents --target-directory "$OLDPWD")
		git add .
		git -c user.name=a -c user.email=b commit --quiet --message all`)
	return c
}

// sh runs a script in the clone, which must succeed, and returns its output. $0 is the repository.
func (c clone) sh(script string) string {
	c.Helper()
	out := engine.Command{Dir: c.dir}.Must(c, "bash", "-euo", "pipefail", "-c", script, engine.Root)
	return strings.TrimSpace(out)
}

// make dist builds a static program for each platform, and `simpleapp version` says the commit.
func TestDist(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.sh("make dist VERSION=1.2")
	c.sh("cd dist && sha256sum --check SHA256SUMS")
	for arch := range machines {
		wantStatic(t, filepath.Join(c.dir, "dist/simpleapp-1.2-linux-"+arch), arch)
	}
	version := c.sh("dist/simpleapp-1.2-linux-" + runtime.GOARCH + " version")
	want := "1.2 (revision " + c.sh("git rev-parse HEAD") + ", go1."
	if !strings.HasPrefix(version, want) {
		t.Errorf("simpleapp version = %q, want %q…", version, want)
	}
}

// The images that make push builds say where their source is, which commit it is, and when they
// were built. They do not say the password in the address of the source.
func TestPushedImagesSayTheirSource(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	registry := newRegistry(t)
	c.sh("mkdir bin && touch bin/simpleapp") // somebody has built the program, and git ignores it
	c.sh("make push VERSION=1.2 REGISTRY=" + registry)
	revision := c.sh("git rev-parse HEAD")
	for _, service := range services {
		image := registry + "mysimpleapp_" + service + ":1.2"
		config := docker(t, "image", "inspect", "--format", "{{json .Config}}", image)
		const label = `"org.opencontainers.image.%s":"%s`
		for name, want := range map[string]string{"version": `1.2"`, "revision": revision + `"`,
			"created": "20", "source": `https://git.example.com/team/simpleapp.git"`} {
			if want := fmt.Sprintf(label, name, want); !strings.Contains(config, want) {
				t.Errorf("%s has no label %s:\n%s", image, want, config)
			}
		}
		if strings.Contains(config, "secret@") {
			t.Errorf("%s says the password of its source:\n%s", image, config)
		}
	}
	app := registry + "mysimpleapp_app:1.2"
	version := docker(t, "run", "--rm", "--entrypoint", "/simpleapp", app, "version")
	if want := "1.2 (revision " + revision + ", go1."; !strings.HasPrefix(version, want) {
		t.Errorf("simpleapp version in %s = %q, want %q…", app, version, want)
	}
}

// The image of db for another architecture has its own db-group for that architecture.
func TestImageOfDBForARM(t *testing.T) {
	t.Parallel()
	const name = "mysimpleapp_db_build"
	built := name + ":" + engine.Version
	docker(t, "build", "--quiet", "--platform", "linux/arm64", "--target", "build",
		"--file", "mysql_db/Dockerfile", "--tag", built, ".")
	atEnd(t, "image", "rm", built)
	container := name + "_" + engine.Version
	docker(t, "create", "--name", container, built, "none") // it is never started
	atEnd(t, "rm", container)
	file := filepath.Join(t.TempDir(), "db-group")
	docker(t, "cp", container+":/db-group", file)
	wantStatic(t, file, "arm64")
}

// wantStatic checks that a file is a program for this architecture which needs no other file.
func wantStatic(t *testing.T, file, arch string) {
	t.Helper()
	program, err := elf.Open(file)
	if err != nil {
		t.Error(err)
		return
	}
	defer program.Close()
	if program.Machine != machines[arch] {
		t.Errorf("%s is for %s, want %s", file, program.Machine, machines[arch])
	}
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
			t.Errorf("%s is linked dynamically", file)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("%s can't be executed: %v", file, err)
	}
}
