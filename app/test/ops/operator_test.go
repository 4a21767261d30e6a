// Package ops tests the decisions of the operator's commands without an engine. A fake docker
// records its calls and prints what the test says. The package deploy tests the commands on a real
// engine.
package ops

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// An operator runs a command with a fake docker.
type operator struct {
	*testing.T
	dir string
}

// newOperator returns an operator whose docker has these cases: the beginning of a case statement
// of bash, without its esac. For example, this docker knows one service:
//
//	case "$*" in
//	  "service inspect"*mystack_app) echo app1 ;;
//	  "service inspect"*) echo "no such service: ${*: -1}" >&2; exit 1 ;;
//
// A call that matches no case succeeds and prints nothing. One exception: SQL that is sent to db's
// container is answered with the name of a table. In the cases, $0 is the file of this docker.
func newOperator(t *testing.T, cases string) *operator {
	t.Helper()
	o := &operator{t, t.TempDir()}
	o.setDocker(cases)
	return o
}

// setDocker gives docker other cases.
func (o *operator) setDocker(cases string) {
	o.Helper()
	o.install("docker", `printf '%s\n' "${*//$'\n'/ }" >>'`+o.file("calls")+"'\n"+cases+`
  "exec --interactive container1 bash -c "*) echo submissions ;;
esac
`)
}

// install installs a bash script as a command of the operator.
func (o *operator) install(name, script string) {
	o.Helper()
	script = "#!/usr/bin/env bash\n" + script
	if err := os.WriteFile(o.file(name), []byte(script), 0o755); err != nil {
		o.Fatal(err)
	}
}

func (o *operator) file(name string) string { return filepath.Join(o.dir, name) }

// run runs a command with variables ("NAME=value"). It returns its output and its exit status.
func (o *operator) run(command string, variables ...string) (string, int) {
	o.Helper()
	output, errors, status := o.runSeparately(command, variables...)
	return output + errors, status
}

// runSeparately runs a command, and returns what it wrote to standard output and to standard error.
func (o *operator) runSeparately(command string, variables ...string) (
	output, errors string, status int) {
	o.Helper()
	var stdout, stderr strings.Builder
	ctx, cancel := context.WithTimeout(o.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../../../ops/"+command)
	cmd.WaitDelay = time.Second // for commands that the script has started
	cmd.Env = append([]string{"PATH=" + o.dir + ":" + os.Getenv("PATH"), "TIMEOUT=1", "SITE_ENV="},
		variables...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		o.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// calls returns the arguments of each call of docker, one call a line.
func (o *operator) calls() string {
	o.Helper()
	calls, err := os.ReadFile(o.file("calls"))
	if err != nil && !os.IsNotExist(err) {
		o.Fatal(err)
	}
	return string(calls)
}

// wantRefused checks that a command fails with this reason, and that docker has changed nothing.
func (o *operator) wantRefused(reason, command string, variables ...string) {
	o.Helper()
	out, status := o.run(command, variables...)
	if status != 1 || !strings.Contains(out, command+": ") || !strings.Contains(out, reason) {
		o.Errorf("%s %v = %d, want 1 and %q:\n%s", command, variables, status, reason, out)
	}
	for call := range strings.Lines(o.calls()) {
		if !reading.MatchString(call) {
			o.Errorf("%s %v called docker %s", command, variables, call)
		}
	}
}

// reading matches the calls of docker that change nothing.
var reading = regexp.MustCompile(`^((buildx|compose|config|network|node|secret|service|stack) )?` +
	`(info|inspect|logs|ls|ps|version)\s`)
