package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"simpleapp/test/engine"
)

// onVolume runs a shell script as root with a volume of the project on /volume.
func (p *project) onVolume(volume, script string) string {
	p.Helper()
	return docker(p, "run", "--rm", "--network", "none", "--user", "0", "--no-healthcheck",
		"--volume", p.name+"_"+volume+":/volume",
		"--entrypoint", "sh", engine.Image("cache"), "-euc", script)
}

// newFileSystem makes a volume look like a new file system, except for its owner.
const newFileSystem = "mkdir -m 0700 /volume/lost+found"

// A database whose first start was interrupted must not be used.
func TestFirstStartOfMySQLKilled(t *testing.T) {
	t.Parallel()
	p := newProject(t, `
services:
  db:
    volumes:
      - ./hold:/hold:ro
      - ./hold/hold.sh:/docker-entrypoint-initdb.d/15-hold.sh:ro
`)
	if err := os.Mkdir(filepath.Join(p.dir, "hold"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.write("hold/hold.sh", "while [ -e /hold/on ]; do sleep 0.1; done\n")
	p.write("hold/on", "")
	p.compose("create", "db")
	p.onVolume("db_data", newFileSystem)
	p.compose("up", "--detach", "db")
	p.awaitLog("db", "15-hold.sh")
	p.kill("db")
	if err := os.Remove(filepath.Join(p.dir, "hold/on")); err != nil {
		t.Fatal(err)
	}
	p.awaitLog("db", "the first start was interrupted")
	p.compose("up", "--wait")
	p.visitor().submit()
	mode := p.onVolume("db_data", "stat -c '%A %U' /volume/lost+found")
	if mode != "drwx------ root" {
		t.Errorf("after a repeated first start lost+found is %s, want it unchanged", mode)
	}
}

// The root folder of a new file system belongs to root. db and cache refuse it. They start after
// the chown that their messages name.
func TestVolumeThatIsAFileSystem(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	p.compose("create", "db", "cache")
	for service, volume := range map[string]struct{ name, path string }{
		"db": {"db_data", "/var/lib/mysql"}, "cache": {"cache_data", "/data"},
	} {
		p.onVolume(volume.name, newFileSystem+"; chown 0:0 /volume; chmod 0755 /volume")
		p.wantRefusal(service, "can't write to "+volume.path)
		out, _ := p.tryCompose("run", "--rm", "--no-deps", "--no-TTY", service)
		remedy := regexp.MustCompile(`chown -R \d+:\d+`).FindString(out)
		if remedy == "" {
			t.Fatalf("%s does not name the owner that it needs:\n%s", service, out)
		}
		p.onVolume(volume.name, remedy+" /volume")
	}

	p.onVolume("db_data", "touch /volume/notes.txt")
	p.wantRefusal("db", "/var/lib/mysql has no database in it, but notes.txt")
	p.onVolume("db_data", "rm /volume/notes.txt")

	p.compose("up", "--wait")
	checkKept := p.submitAndVisit()
	p.compose("restart")
	p.compose("up", "--wait")
	checkKept("a restart on volumes with lost+found")
}

func TestReadOnlyVolume(t *testing.T) {
	t.Parallel()
	p := newProject(t, `
services:
  db: { volumes: ["db_data:/var/lib/mysql:ro"] }
  cache: { volumes: ["cache_data:/data:ro"] }
`)
	p.wantRefusal("db", "can't write to /var/lib/mysql", "without read-only")
	p.wantRefusal("cache", "can't write to /data", "without read-only")
}
