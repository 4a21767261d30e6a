// Package ops tests the decisions of the operator's commands without an engine: a fake docker notes
// what it is asked and answers as the test says. The package deploy tests the commands on a real one.
package ops

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// manager is what every swarm answers: this engine is a manager, and the site has one replica of
// version 1.0 on port 8080.
const manager = `
case "$*" in
  "info --format {{.Swarm.ControlAvailable}} {{.Swarm.NodeID}}") echo "true node1" ;;
  "service inspect --format {{.ID}} mystack_app") echo app1 ;;
  "service inspect --format {{.Spec.TaskTemplate.ContainerSpec.Image}} mystack_app") echo mysimpleapp_app:1.0 ;;
  "service inspect --format {{.Spec.Mode.Replicated.Replicas}} mystack_app") echo 3 ;;
  "service inspect --format {{with .Spec.EndpointSpec}}"*) echo 8080 ;;
  "service inspect --format {{range .Spec.TaskTemplate.ContainerSpec.Secrets}}"*)
    printf '%s\n' "mysql_password mystack_mysql_password_v2" "redis_password mystack_redis_password_v1" ;;
  "secret ls --format {{.Name}}")
    printf '%s\n' mystack_mysql_root_password_v1 mystack_mysql_password_v2 mystack_redis_password_v1 ;;
`

// none ends the answers of a site that was never deployed: no service is there.
const none = `
case "$*" in
  "info --format {{.Swarm.ControlAvailable}} {{.Swarm.NodeID}}") echo "true node1" ;;
  "service inspect"*) exit 1 ;;
`

// An operator runs a command with a fake docker.
type operator struct {
	*testing.T
	dir string
}

// newOperator returns an operator whose docker answers by the cases of a shell's case statement.
// Calls that match none succeed and print nothing.
func newOperator(t *testing.T, cases string) *operator {
	t.Helper()
	o := &operator{t, t.TempDir()}
	script := "#!/usr/bin/env bash\n" +
		`printf '%s\n' "$*" >>'` + o.file("calls") + "'\n" + cases + "\nesac\n"
	if err := os.WriteFile(o.file("docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *operator) file(name string) string { return filepath.Join(o.dir, name) }

// run runs a command with variables ("NAME=value") and returns what it says and its exit status.
func (o *operator) run(command string, variables ...string) (string, int) {
	o.Helper()
	cmd := exec.Command("../../../ops/" + command)
	cmd.Env = append([]string{"PATH=" + o.dir + ":" + os.Getenv("PATH"), "TIMEOUT=1"}, variables...)
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		o.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// calls returns what docker was asked, one call a line.
func (o *operator) calls() string {
	o.Helper()
	calls, err := os.ReadFile(o.file("calls"))
	if err != nil && !os.IsNotExist(err) {
		o.Fatal(err)
	}
	return string(calls)
}

// wantRefused checks that a command fails, says why, and has asked docker to change nothing.
func (o *operator) wantRefused(reason, command string, variables ...string) {
	o.Helper()
	out, status := o.run(command, variables...)
	if status != 1 || !strings.Contains(out, command+": ") || !strings.Contains(out, reason) {
		o.Errorf("%s %v = %d, want 1 and %q:\n%s", command, variables, status, reason, out)
	}
	for call := range strings.Lines(o.calls()) {
		for _, change := range []string{"stack deploy -c", "stack rm", "service update", "service scale",
			"secret create", "secret rm", "exec", "swarm init", "compose"} {
			if strings.HasPrefix(call, change) {
				o.Errorf("%s %v called docker %s", command, variables, call)
			}
		}
	}
}

func TestCommandsRefuseWhatTheyCannotDo(t *testing.T) {
	short := filepath.Join(t.TempDir(), "half.sql.gz")
	if err := os.WriteFile(short, []byte("\x1f\x8b\x08"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, docker, reason string
		command              []string
	}{
		{"no engine", `case "$*" in info*) echo "Cannot connect"; exit 1 ;;`, "no Docker engine answers: Cannot connect", []string{"status"}},
		{"a worker", `case "$*" in info*) echo "false node1" ;;`, "run it on a manager", []string{"status"}},
		{"no site", none, "there is no stack mystack (STACK=… names another one)", []string{"status"}},
		{"no secrets", none + `"secret ls"*) ;;`, "make swarm-init creates it", []string{"deploy", "VERSION=1.0"}},
		{"no replicas", manager, "N=…", []string{"scale", "N=0"}},
		{"no number", manager, "N=…", []string{"scale", "N=many"}},
		{"no registry", manager, "REGISTRY=…", []string{"push", "VERSION=1.0"}},
		{"no version", manager, "VERSION=…", []string{"push", "REGISTRY=registry.example.com"}},
		{"no earlier version", manager, "no version before mysimpleapp_app:1.0 is known", []string{"rollback"}},
		{"no secret's name", manager, "NAME=mysql_password", []string{"rotate-secret"}},
		{"another secret's name", manager, "NAME=mysql_password", []string{"rotate-secret", "NAME=mysql_root_password"}},
		{"no file", manager, "FILE=…", []string{"backup"}},
		{"a backup that is not there", manager, "FILE=…", []string{"restore", "FILE=/no/such/file"}},
		{"half a backup", manager, "is incomplete: the backup was interrupted", []string{"restore", "FILE=" + short}},
		{"an unknown part", manager, "ONLY=visits or ONLY=submissions", []string{"restore", "FILE=" + short, "ONLY=names"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			newOperator(t, test.docker).wantRefused(test.reason, test.command[0], test.command[1:]...)
		})
	}
}

// deployed notes the variables that the stack file is filled in with.
const deployed = manager + `
  "stack deploy --help") ;;
  "stack deploy -c"*) env | grep -E '^(VERSION|REGISTRY|APP_REPLICAS|HTTP_PORT|MYSQL_PASSWORD_VERSION)=' >>"$0.env" ; exit 3 ;;
  "service ps --quiet --no-trunc --filter desired-state=running mystack_db") echo task1 ;;
  "inspect --type task --format {{.NodeID}} "*) echo node1 container1 ;;
  "service ps"*) ;;
`

func TestDeployKeepsWhatIsNotSaid(t *testing.T) {
	for _, test := range []struct {
		name      string
		variables []string
		want      string
	}{
		{"nothing is said", nil, "APP_REPLICAS=3 HTTP_PORT=8080 MYSQL_PASSWORD_VERSION=2 REGISTRY= VERSION=1.0"},
		{"a version", []string{"VERSION=1.1"}, "APP_REPLICAS=3 HTTP_PORT=8080 MYSQL_PASSWORD_VERSION=2 REGISTRY= VERSION=1.1"},
		{"all", []string{"VERSION=1.1", "REGISTRY=registry.example.com/team", "APP_REPLICAS=5", "HTTP_PORT=80", "MYSQL_PASSWORD_VERSION=1"},
			"APP_REPLICAS=5 HTTP_PORT=80 MYSQL_PASSWORD_VERSION=1 REGISTRY=registry.example.com/team/ VERSION=1.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, deployed)
			if out, status := o.run("deploy", test.variables...); status == 0 {
				t.Errorf("deploy = 0 although docker stack deploy failed:\n%s", out)
			}
			env, err := os.ReadFile(o.file("docker.env"))
			if err != nil {
				t.Fatalf("docker stack deploy was not called: %v", err)
			}
			lines := strings.Fields(string(env))
			for _, want := range strings.Fields(test.want) {
				found := false
				for _, line := range lines {
					found = found || line == want
				}
				if !found {
					t.Errorf("deployed with %v, want %s", lines, want)
				}
			}
		})
	}
}

// task answers for the tasks of the three services: app has three replicas, of which some run as the
// service is defined.
func tasks(running string) string {
	return manager + `
  "service inspect --format {{.Spec.Mode.Replicated.Replicas}} {{with .UpdateStatus}}"*mystack_app) echo "3 none new" ;;
  "service inspect --format {{.Spec.Mode.Replicated.Replicas}} {{with .UpdateStatus}}"*) echo "1 none new" ;;
  "service ps --quiet --no-trunc --filter desired-state=running mystack_app") printf '%s\n' a b c ;;
  "service ps --quiet --no-trunc --filter desired-state=running "*) echo x ;;
  "inspect --type task --format {{.Status.State}} "*" a b c") printf '%s\n' ` + running + ` ;;
  "inspect --type task --format {{.Status.State}} "*) echo "running new" ;;
`
}

func TestStatusTellsTheTruth(t *testing.T) {
	for _, test := range []struct {
		name, running, want string
		status              int
	}{
		{"all run", `"running new" "running new" "running new"`, "", 0},
		{"one is starting", `"running new" "starting new" "running new"`, "app: 2 of 3 run as wanted", 1},
		{"one is of the old definition", `"running new" "running old" "running new"`, "app: 2 of 3 run as wanted", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, status := newOperator(t, tasks(test.running)).run("status")
			if status != test.status || !strings.Contains(out, test.want) {
				t.Errorf("status = %d, want %d and %q:\n%s", status, test.status, test.want, out)
			}
		})
	}
}

func TestScaleWaitsForEveryReplica(t *testing.T) {
	o := newOperator(t, tasks(`"running new" "running new" "running new"`))
	if out, status := o.run("scale", "N=3"); status != 0 || !strings.Contains(out, "mystack_app has 3 replicas") {
		t.Errorf("scale = %d:\n%s", status, out)
	}
	if !strings.Contains(o.calls(), "service scale --detach mystack_app=3\n") {
		t.Errorf("docker was asked:\n%s", o.calls())
	}
	o = newOperator(t, tasks(`"running new" "pending new" "running new"`))
	if out, status := o.run("scale", "N=3"); status != 1 || !strings.Contains(out, "not ready after 1 s") {
		t.Errorf("scale while a replica does not start = %d:\n%s", status, out)
	}
}

// A backup that breaks off leaves no file, and the one of yesterday as it was.
func TestInterruptedBackupLeavesNoFile(t *testing.T) {
	o := newOperator(t, manager+`
  "service ps --quiet --no-trunc --filter desired-state=running "*) echo task1 ;;
  "inspect --type task --format {{.NodeID}} "*) echo node1 container1 ;;
  "exec --interactive container1 cache-admin GET visits") echo 7 ;;
  "exec"*) echo "INSERT INTO half" ;;
`)
	file := o.file("site.sql.gz")
	if err := os.WriteFile(file, []byte("yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, status := o.run("backup", "FILE="+file); status != 1 || !strings.Contains(out, "interrupted") {
		t.Errorf("backup = %d:\n%s", status, out)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "yesterday" {
		t.Errorf("the earlier backup is %q, %v", content, err)
	}
	if _, err := os.Stat(file + ".partial"); !os.IsNotExist(err) {
		t.Errorf("half a backup is left: %v", err)
	}
}
