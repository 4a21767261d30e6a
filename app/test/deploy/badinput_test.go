package deploy

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"simpleapp/test/engine"
)

// wantFailure checks that a command failed and that its output contains these words.
func wantFailure(t testing.TB, what, out string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s succeeded, want a failure", what)
	}
	for _, word := range words {
		if !strings.Contains(out, word) {
			t.Errorf("%s does not say %q:\n%s", what, word, out)
		}
	}
}

// wantRefusal checks that a service that is started alone exits with 1 and prints these words.
func (p *project) wantRefusal(service string, words ...string) {
	p.Helper()
	out, err := p.tryCompose("run", "--rm", "--no-deps", "--no-TTY", "--env", "WAIT_HOSTS=",
		service)
	wantFailure(p, service, out, err, words...)
	if err != nil && err.Error() != "exit status 1" {
		p.Errorf("%s ended with %v, want exit status 1", service, err)
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	taken, err := net.Listen("tcp", fmt.Sprintf(":%d", p.port))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	out, err := engine.Run("env", "COMPOSE_PROJECT_NAME="+p.name,
		fmt.Sprintf("HTTP_PORT=%d", p.port), "make", "up")
	wantFailure(t, "make up", out, err, fmt.Sprintf(":%d", p.port), "address already in use",
		"HTTP_PORT=8080 make up")
}

func TestMissingSecretFile(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"mysql_password", "redis_password"} {
		t.Run(secret, func(t *testing.T) {
			p := newProject(t, "")
			if err := os.Remove(filepath.Join(p.dir, "devsecrets", secret)); err != nil {
				t.Fatal(err)
			}
			out, err := p.tryCompose("up", "--wait")
			wantFailure(t, "docker compose up", out, err, "devsecrets/"+secret)
		})
	}
}

// smallDisk returns an override that gives db a disk of so many megabytes. The disk is in memory,
// so it needs a higher memory limit.
func smallDisk(megabytes int) string {
	return fmt.Sprintf(`
services:
  db: { deploy: { resources: { limits: { memory: 2G } } } }
volumes:
  db_data: { driver_opts: { type: tmpfs, device: tmpfs, o: "size=%dm,mode=1777" } }
`, megabytes)
}

func TestDiskTooSmallForDB(t *testing.T) {
	t.Parallel()
	p := newProject(t, smallDisk(100))
	p.wantRefusal("db", "100 MB free for /var/lib/mysql", "300", "docker system prune")
}

func TestDiskFullForDB(t *testing.T) {
	t.Parallel()
	p := newProject(t, smallDisk(400))
	p.compose("up", "--wait")
	v := p.visitor()
	stored := v.submit()

	// Another file fills the disk. The free space within the table's own file is soon used up, too.
	tryDocker("exec", p.container("db"), "bash", "-c", "cat /dev/zero >/var/lib/mysql/full")
	var refused url.Values
	engine.Eventually(t, "a submission finds the disk full", func() error {
		refused = answers()
		refused.Set("first_name", strings.Repeat("食", 100))
		refused.Set("last_name", strings.Repeat("べ", 100))
		status, body := v.post(refused)
		if status == http.StatusSeeOther {
			return errors.New("it was stored")
		}
		if status != http.StatusServiceUnavailable || !strings.Contains(body, "were not stored") ||
			!strings.Contains(body, refused.Get("favourite_food")) {
			t.Fatalf("POST on a full disk = %d, want 503, and a page that says that nothing was "+
				"stored and keeps the answers\n%s", status, body)
		}
		return nil
	})
	p.awaitLog("db", "MB free for /var/lib/mysql")
	p.awaitLog("db", "docker system prune")
	v.get("/")
	if !strings.Contains(docker(t, "logs", p.container("app")), "is full") {
		t.Error("the app's log does not say that the table is full")
	}

	docker(t, "exec", p.container("db"), "rm", "/var/lib/mysql/full")
	engine.Eventually(t, "a submission is stored after room was made", func() error {
		if status, _ := v.post(refused); status != http.StatusSeeOther {
			return fmt.Errorf("it is answered %d", status)
		}
		return nil
	})
	for _, food := range []string{stored, refused.Get("favourite_food")} {
		n, err := p.sql("SELECT COUNT(*) FROM submissions WHERE favourite_food = '" + food + "'")
		if err != nil || strings.TrimSpace(n) != "1" {
			t.Errorf("%s is stored %s times (%v), want once", food, n, err)
		}
	}
}
