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

	"simpleapp/test/engine"
)

// TestSystem starts one system as a developer does, and checks its properties one after the other.
func TestSystem(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	p.compose("up", "--wait")
	p.visitor().get("/") // at once, because --wait returns when the site serves

	for _, test := range []struct {
		name string
		run  func(*project)
	}{
		{"shows three healthy containers", threeHealthyContainers},
		{"serves every page", everyPage},
		{"a developer gets prompts", prompts},
		{"a fresh database can be migrated", freshDatabase},
		{"an older volume is migrated", olderVolume},
		{"the app can only read and add", appRights},
		{"db and cache are isolated", separateNetworks},
		{"containers are hardened", hardened},
		{"secrets stay secret", secretsStaySecret},
		{"data survives restart, kill -9 and down", dataSurvives},
		{"starts in any order", anyOrder},
		{"docker stop cuts no request", stopCutsNoRequest},
		{"a database whose connections are all in use is healthy", connectionsInUse},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(p.in(t)) })
	}
}

func threeHealthyContainers(p *project) {
	out := docker(p, "ps", "--filter", "label=com.docker.compose.project="+p.name,
		"--format", "{{.Names}} {{.Status}}")
	for _, service := range services {
		if !regexp.MustCompile(p.container(service) + ` Up .*\(healthy\)`).MatchString(out) {
			p.Errorf("docker ps shows no healthy %s:\n%s", service, out)
		}
	}
	if n := len(strings.Split(out, "\n")); n != len(services) {
		p.Errorf("docker ps shows %d containers, want %d:\n%s", n, len(services), out)
	}

	out, err := engine.Command{Dir: p.dir}.Run("docker-compose", "ps", "--services")
	if err != nil || len(strings.Fields(out)) != len(services) {
		p.Errorf("docker-compose ps --services = %q, %v, want the three services", out, err)
	}
	out, err = engine.Run("docker", "compose", "config")
	for _, service := range services {
		want := "container_name: mysimpleapp_" + service
		if err != nil || !strings.Contains(out, want) {
			p.Errorf("docker compose config in the repository (%v) has no %q", err, want)
		}
	}
}

func everyPage(p *project) {
	v := p.visitor()
	began := time.Now()
	food := v.submit()
	for path, want := range map[string]string{
		"/":                   "<h1",
		"/simpleform":         `name="favourite_food"`,
		"/simpleform/success": food,
		"/submissions":        food,
		"/ping":               fmt.Sprintf(`"version":%q`, engine.Version),
	} {
		if body := v.get(path); !strings.Contains(body, want) {
			p.Errorf("GET %s has no %s:\n%s", path, want, body)
		}
	}
	engine.Eventually(p, "/results counts the submission", func() error {
		if body := v.get("/results"); !strings.Contains(body, food) { // it may show older results
			return fmt.Errorf("it has no %s:\n%s", food, body)
		}
		return nil
	})
	static := regexp.MustCompile(`/static/[^"]+`).FindAllString(v.get("/"), -1)
	if len(static) < 4 {
		p.Errorf("the home page names %d static files, want the icon, Bootstrap, the styles and "+
			"the script", len(static))
	}
	for _, path := range static {
		v.get(path)
	}
	singapore, err := time.LoadLocation("Asia/Singapore")
	if err != nil {
		p.Fatal(err)
	}
	date := func(at time.Time) string { return at.In(singapore).Format("January 2, 2006 ") }
	page := v.get("/submissions")
	if !strings.Contains(page, date(began)) && !strings.Contains(page, date(time.Now())) {
		p.Errorf("/submissions has no time of today in Singapore, %s", date(began))
	}
}

// make sql and make redis open prompts. The prompt of MySQL refuses to write at first.
func prompts(p *project) {
	run := func(target, input string) (string, error) {
		const script = `COMPOSE_FILE=$0/docker-compose.yml COMPOSE_PROJECT_NAME=$1 \
			make --no-print-directory $2 <<<$3`
		return engine.Run("bash", "-c", script, p.dir, p.name, target, input)
	}
	v := p.visitor()
	food := v.submit()
	if out, err := run("sql", "SELECT favourite_food FROM submissions"); err != nil ||
		!strings.Contains(out, food) {
		p.Errorf("make sql shows no %q (%v):\n%s", food, err, out)
	}
	out, err := run("sql", "DELETE FROM submissions")
	wantFailure(p, "DELETE in make sql", out, err, "READ ONLY transaction")
	visits := fmt.Sprint(v.visits())
	if out, err := run("redis", "GET visits"); err != nil || strings.TrimSpace(out) != visits {
		p.Errorf("GET visits in make redis = %q (%v), want %s", out, err, visits)
	}
}

// The health check succeeds while all connections are in use. Otherwise Docker would report a busy
// database as unhealthy, and Swarm would end it.
func connectionsInUse(p *project) {
	db := p.container("db")
	usual := asRoot(p, db, "SELECT @@max_connections")
	asRoot(p, db, "SET GLOBAL max_connections = 10")
	const sleepers = `SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist
		WHERE info LIKE 'DO SLEEP%'`
	defer func() {
		asRoot(p, db, "SET GLOBAL max_connections = "+usual)
		asRoot(p, db, strings.ReplaceAll(asRoot(p, db, sleepers), "\n", ""))
		p.awaitHealthy("db") // app was stopped before
	}()
	const sleep = `MYSQL_PWD=$(<"$MYSQL_PASSWORD_FILE") \
		exec mysql --host=127.0.0.1 --user="$MYSQL_USER" -e 'DO SLEEP(300)'`
	engine.Eventually(p, "the health check says that all connections are in use", func() error {
		out, err := tryDocker("exec", db, "db-healthcheck")
		if err != nil {
			p.Errorf("db-healthcheck = %v, want that it succeeds:\n%s", err, out)
		}
		if strings.Contains(out, "all connections are in use") {
			return nil
		}
		docker(p, "exec", "--detach", db, "bash", "-c", sleep)
		return fmt.Errorf("it says %q", out)
	})
}

// inspectImage returns a template's view of a service's image.
func inspectImage(t testing.TB, service, template string) string {
	t.Helper()
	return docker(t, "image", "inspect", "--format", template, engine.Image(service))
}

func TestImages(t *testing.T) {
	t.Parallel()
	size, err := strconv.Atoi(inspectImage(t, "app", "{{.Size}}"))
	if err != nil || size > 30e6 {
		t.Errorf("the app image has %d bytes (%v), want at most 30 MB", size, err)
	}
	if user := inspectImage(t, "app", "{{.Config.User}}"); user != "65532:65532" {
		t.Errorf("the app image runs as %q, want 65532:65532", user)
	}
	check := inspectImage(t, "app", "{{.Config.Healthcheck.Test}}")
	if check != "[CMD /simpleapp healthcheck]" {
		t.Errorf("the app image's health check is %s, want the program's own", check)
	}
	out, err := tryDocker("run", "--rm", "--entrypoint", "sh", engine.Image("app"))
	if err == nil || !strings.Contains(out, "not found") {
		t.Errorf("sh in the app image: %v, want that there is none\n%s", err, out)
	}
	version := docker(t, "run", "--rm", "--entrypoint", "/simpleapp",
		engine.Image("app"), "version")
	if want := engine.Version + " (revision unknown, go1."; !strings.HasPrefix(version, want) {
		t.Errorf("simpleapp version = %q, want %q…", version, want)
	}
	const label = `{{index .Config.Labels "org.opencontainers.image.%s"}}`
	for _, service := range services {
		title := inspectImage(t, service, fmt.Sprintf(label, "title"))
		if want := "mysimpleapp_" + service; title != want {
			t.Errorf("the title label of %s = %q, want %q", engine.Image(service), title, want)
		}
	}
}

// A build after a change in a Go file needs no network, because all downloads have layers of their
// own.
func TestChangedGoFileBuildsWithoutDownloads(t *testing.T) {
	t.Parallel()
	// The builder remembers the files of earlier builds by the base name of their folder, and would
	// use files that this folder lacks. So this base name is new.
	context := filepath.Join(t.TempDir(), engine.RandomName())
	if err := os.Mkdir(context, 0o755); err != nil {
		t.Fatal(err)
	}
	const copyApp = `set -o pipefail; tar -C app --exclude node_modules -cf - . | tar -C "$0" -xf -`
	engine.Must(t, "bash", "-c", copyApp, context)
	file, err := os.OpenFile(filepath.Join(context, "main.go"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(file, "\nvar _ = %q\n", engine.Version); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	changed := engine.Image("app") + "-changed"
	out, err := tryDocker("build", "--progress", "plain", "--tag", changed, context)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	atEnd(t, "image", "rm", changed)
	for _, step := range []string{"npm ci", "npm run build", "go mod download"} {
		number := regexp.MustCompile(`(?m)^#\d+ .*RUN .*` + step).FindString(out)
		number, _, _ = strings.Cut(number, " ")
		if number == "" || !strings.Contains(out, "\n"+number+" CACHED\n") {
			t.Errorf("%q was run again:\n%s", step, out)
		}
	}
	if strings.Contains(out, "go: downloading") {
		t.Errorf("go build downloaded modules:\n%s", out)
	}
}
