package deploy

import (
	"strings"
	"testing"
)

// The server only warns about a loose_ option that is misspelt. Any other option that it does not know ends its start.
func TestMySQLOptions(t *testing.T) {
	t.Parallel()
	out, err := command(interrupted, "", "docker", "run", "--rm", "--network", "none", "--no-healthcheck",
		"--entrypoint", "mysqld", image("db"), "--validate-config", "--log-error-verbosity=2")
	if err != nil {
		t.Errorf("mysqld --validate-config: %v\n%s", err, out)
	}
	for line := range strings.Lines(out) {
		// The public build has no libnuma.
		if strings.Contains(line, "unknown variable") && !strings.Contains(line, "innodb_numa_interleave") {
			t.Errorf("mysqld --validate-config: %s", line)
		}
	}
}

// The real /wait logs hosts as they are written, and more than an operator wants unless it is told a level.
func TestWaitSettings(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"compose", "config"}, {"stack", "config", "-c", "docker-stack.yml"}} {
		config := docker(t, args...)
		for _, want := range []string{"WAIT_HOSTS: db:3306,cache:6379\n", "WAIT_LOGGER_LEVEL: info\n"} {
			if !strings.Contains(config, want) {
				t.Errorf("docker %s has no %q", strings.Join(args, " "), want)
			}
		}
	}
}
