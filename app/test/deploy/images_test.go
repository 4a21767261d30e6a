package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"simpleapp/test/engine"
)

// `make bases` lists every base image and how long it gets fixes.
func TestBaseImages(t *testing.T) {
	t.Parallel()
	bases := engine.Must(t, "make", "--no-print-directory", "bases")
	files, err := filepath.Glob(filepath.Join(engine.Root, "*/Dockerfile"))
	if err != nil || len(files) != len(services) {
		t.Fatalf("the Dockerfiles are %q (%v), want one for each of %q", files, err, services)
	}
	// FROM image AS stage, COPY --from=image, and RUN --mount=from=image
	uses := regexp.MustCompile(
		`(?m)^FROM (?:--\S+ )?(\S+)(?: AS (\S+))?$|--from=(\S+)|[,=]from=([^,\s]+)`)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		stages := map[string]bool{"scratch": true} // which is no image
		for _, line := range uses.FindAllStringSubmatch(string(content), -1) {
			source := line[1] + line[3] + line[4]
			want := regexp.MustCompile(regexp.QuoteMeta(" "+source+" ") + `.*[Ff]ixes`)
			if !stages[source] && !want.MatchString(bases) {
				t.Errorf("%s uses %s, want it and how long it gets fixes in make bases:\n%s",
					file, source, bases)
			}
			stages[line[2]] = true
		}
	}
}

// The server merely warns about a loose_ option that it does not know, which may be misspelt. Any
// other unknown option ends its start.
func TestMySQLOptions(t *testing.T) {
	t.Parallel()
	out, err := tryDocker("run", "--rm", "--network", "none", "--no-healthcheck",
		"--entrypoint", "mysqld", engine.Image("db"),
		"--validate-config", "--log-error-verbosity=2")
	if err != nil {
		t.Errorf("mysqld --validate-config: %v\n%s", err, out)
	}
	for line := range strings.Lines(out) {
		// The build of the public image has no libnuma.
		if strings.Contains(line, "unknown variable") &&
			!strings.Contains(line, "innodb_numa_interleave") {
			t.Errorf("mysqld --validate-config: %s", line)
		}
	}
}

// /wait logs each host as WAIT_HOSTS spells it, so a space would be part of it. Without a level, it
// logs too much for an operator.
func TestWaitSettings(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"compose", "config"}, {"stack", "config", "-c", "docker-stack.yml"},
	} {
		config := docker(t, args...)
		for _, want := range []string{
			"WAIT_HOSTS: db:3306,cache:6379\n", "WAIT_LOGGER_LEVEL: info\n",
		} {
			if !strings.Contains(config, want) {
				t.Errorf("docker %s has no %q", strings.Join(args, " "), want)
			}
		}
	}
}

// The services that are not started by default run images of others. Adminer is for this machine
// alone.
func TestOptionalServices(t *testing.T) {
	t.Parallel()
	var project struct {
		Services struct {
			Adminer struct {
				Ports []struct {
					HostIP string `json:"host_ip"`
				}
			}
		}
	}
	out := engine.Must(t, "docker", "compose", "--profile", "tools", "config", "--format", "json")
	if err := json.Unmarshal([]byte(out), &project); err != nil {
		t.Fatal(err)
	}
	ports := project.Services.Adminer.Ports
	if len(ports) != 1 || ports[0].HostIP != "127.0.0.1" {
		t.Errorf("Adminer publishes %v, want one port of 127.0.0.1", ports)
	}
	engine.Must(t, "docker", "stack", "config", "-c", "docker-stack.visualizer.yml")
}
