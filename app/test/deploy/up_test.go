package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSystem brings up one system as a developer does and looks at it from every side.
func TestSystem(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	p.compose("up", "--wait")
	p.visitor().get("/") // at once: --wait returns when the site serves

	for _, test := range []struct {
		name string
		run  func(*project)
	}{
		{"shows three healthy containers", threeHealthyContainers},
		{"serves every page", everyPage},
		{"a fresh database can be migrated", freshDatabase},
		{"an older volume is migrated", olderVolume},
		{"the app may only add and read", leastPrivilege},
		{"db and cache are alone", separateNetworks},
		{"containers are hardened", hardened},
		{"secrets stay secret", secretsStaySecret},
		{"data survives restart, kill -9 and down", dataSurvives},
		{"starts in any order", anyOrder},
		{"docker stop cuts no request", stopCutsNoRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(&project{t, p.name, p.dir, p.port})
		})
	}
}

func threeHealthyContainers(p *project) {
	out := docker(p, "ps", "--filter", "label=com.docker.compose.project="+p.name, "--format", "{{.Names}} {{.Status}}")
	for _, service := range services {
		if !regexp.MustCompile(p.container(service) + ` Up .*\(healthy\)`).MatchString(out) {
			p.Errorf("docker ps shows no healthy %s:\n%s", service, out)
		}
	}
	if n := len(strings.Split(out, "\n")); n != len(services) {
		p.Errorf("docker ps shows %d containers, want %d:\n%s", n, len(services), out)
	}

	out, err := command(interrupted, p.dir, "docker-compose", "ps", "--services")
	if err != nil || len(strings.Fields(out)) != len(services) {
		p.Errorf("docker-compose ps --services = %q, %v, want the three services", out, err)
	}
	out, err = command(interrupted, root, "docker", "compose", "config")
	for _, service := range services {
		if want := "container_name: mysimpleapp_" + service; err != nil || !strings.Contains(out, want) {
			p.Errorf("without a project name, docker compose config (%v) has no %q", err, want)
		}
	}
}

func everyPage(p *project) {
	v := p.visitor()
	food := v.submit()
	for path, want := range map[string]string{
		"/":                   "<h1",
		"/simpleform":         `name="favourite_food"`,
		"/simpleform/success": food,
		"/submissions":        food,
		"/results":            food,
		"/ping":               fmt.Sprintf(`"version":%q`, tag),
	} {
		if body := v.get(path); !strings.Contains(body, want) {
			p.Errorf("GET %s has no %s:\n%s", path, want, body)
		}
	}
	static := regexp.MustCompile(`/static/[^"]+`).FindAllString(v.get("/"), -1)
	if len(static) < 2 {
		p.Errorf("the home page names %d static files, want styles and scripts at least", len(static))
	}
	for _, path := range static {
		v.get(path)
	}
	singapore, err := time.LoadLocation("Asia/Singapore")
	if err != nil {
		p.Fatal(err)
	}
	if now := time.Now().In(singapore).Format("January 2, 2006 "); !strings.Contains(v.get("/submissions"), now) {
		p.Errorf("/submissions has no time of today in Singapore, %s", now)
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	size, err := strconv.Atoi(docker(t, "image", "inspect", "--format", "{{.Size}}", image("app")))
	if err != nil || size > 30e6 {
		t.Errorf("the app image has %d bytes (%v), want at most 30 MB", size, err)
	}
	if user := docker(t, "image", "inspect", "--format", "{{.Config.User}}", image("app")); user != "65532:65532" {
		t.Errorf("the app image runs as %q, want 65532:65532", user)
	}
	if check := docker(t, "image", "inspect", "--format", "{{.Config.Healthcheck.Test}}", image("app")); check != "[CMD /simpleapp healthcheck]" {
		t.Errorf("the app image's health check is %s, want the binary's own", check)
	}
	if out, err := command(interrupted, "", "docker", "run", "--rm", "--entrypoint", "sh", image("app")); err == nil || !strings.Contains(out, "not found") {
		t.Errorf("a shell in the app image: %v, want none\n%s", err, out)
	}
	if version := docker(t, "run", "--rm", "--entrypoint", "/simpleapp", image("app"), "version"); version != tag {
		t.Errorf("simpleapp version = %q, want %q", version, tag)
	}
	if version := docker(t, "image", "inspect", "--format", `{{index .Config.Labels "org.opencontainers.image.version"}}`, image("app")); version != tag {
		t.Errorf("the app image's version label = %q, want %q", version, tag)
	}
	for _, service := range services {
		if title := docker(t, "image", "inspect", "--format", `{{index .Config.Labels "org.opencontainers.image.title"}}`, image(service)); title != "mysimpleapp_"+service {
			t.Errorf("the title label of %s = %q", image(service), title)
		}
	}
}

// A change in a Go file must build again without the network: what was downloaded has layers of its own.
func TestChangedGoFileBuildsWithoutDownloads(t *testing.T) {
	t.Parallel()
	context := t.TempDir()
	if out, err := command(interrupted, root, "bash", "-c", `set -o pipefail; tar -C app --exclude node_modules -cf - . | tar -C "$0" -xf -`, context); err != nil {
		t.Fatalf("copy app: %v\n%s", err, out)
	}
	file, err := os.OpenFile(filepath.Join(context, "main.go"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(file, "\nvar _ = %q\n", tag); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	changed := image("app") + "-changed"
	defer command(interrupted, "", "docker", "image", "rm", changed)
	out, err := command(interrupted, "", "docker", "build", "--progress", "plain", "--tag", changed, context)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, step := range []string{"npm ci", "npm run build", "go mod download"} {
		if !regexp.MustCompile(`(?m)^#(\d+) .*RUN .*` + step + `.*\n#\d+ CACHED`).MatchString(out) {
			t.Errorf("%q was run again:\n%s", step, out)
		}
	}
	if strings.Contains(out, "go: downloading") {
		t.Errorf("go build downloaded modules:\n%s", out)
	}
}
