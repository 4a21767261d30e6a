package ops

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// manager has the cases of a site that runs: this engine is a manager, and the app has three
// replicas of version 1.0 on port 8080.
const manager = `
case "$*" in
  "info --format {{.Swarm.ControlAvailable}} {{.Swarm.NodeID}}") echo "true node1" ;;
  "service inspect --format {{.ID}} mystack_app") echo app1 ;;
  "service inspect --format {{.Spec.TaskTemplate.ContainerSpec.Image}} mystack_app")
    echo mysimpleapp_app:1.0 ;;
  "service inspect --format {{.Spec.TaskTemplate.ContainerSpec.Image}} mystack_db")
    echo mysimpleapp_db:0.9 ;;
  "service inspect --format {{with .Spec}}"*mystack_app)
    printf '%s\n' APP_REPLICAS=3 HTTP_PORT=8080 PREVIOUS=mysimpleapp_app:0.9 HEALTH_TIMEOUT=20s ;;
  "service inspect --format {{range .Spec.TaskTemplate.ContainerSpec.Secrets}}"*)
    echo "mysql_password mystack_mysql_password_v2"
    echo "redis_password mystack_redis_password_v1" ;;
  "secret ls --format {{.Name}}")
    echo mystack_mysql_password_v2
    echo mystack_redis_password_v1 ;;
`

// neverDeployed has the cases of a swarm without the site.
const neverDeployed = `
case "$*" in
  "info --format {{.Swarm.ControlAvailable}} {{.Swarm.NodeID}}") echo "true node1" ;;
  "service inspect"*) exit 1 ;;
`

func TestCommandsRefuseInvalidOptions(t *testing.T) {
	short := filepath.Join(t.TempDir(), "half.json.gz")
	if err := os.WriteFile(short, []byte("\x1f\x8b\x08"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, docker, reason string
		command              []string
	}{
		{"no engine", `case "$*" in info*) echo "Cannot connect"; exit 1 ;;`,
			"no Docker engine answers: Cannot connect", []string{"status"}},
		{"a worker", `case "$*" in info*) echo "false node1" ;;`,
			"run it on a manager", []string{"status"}},
		{"no site", neverDeployed,
			"there is no stack mystack (STACK=… names another one)", []string{"status"}},
		{"no secrets", neverDeployed + `"secret ls"*) ;;`,
			"make swarm-init creates it", []string{"deploy", "VERSION=1.0"}},
		{"no replicas", manager, "N=…", []string{"scale", "N=0"}},
		{"not a number of replicas", manager, "N=…", []string{"scale", "N=many"}},
		{"no registry", manager, "REGISTRY=…", []string{"push", "VERSION=1.0"}},
		{"no version", manager, "VERSION=…", []string{"push", "REGISTRY=registry.example.com"}},
		{"no earlier version", manager,
			"no version before mysimpleapp_app:1.0 is known", []string{"rollback"}},
		{"no name of a secret", manager, "NAME=mysql_password", []string{"rotate-secret"}},
		{"another secret", manager,
			"NAME=mysql_password", []string{"rotate-secret", "NAME=mysql_root_password"}},
		{"no file", manager, "FILE is missing: say where to write", []string{"backup"}},
		{"a file that does not exist", manager,
			"/no/such/file can't be read", []string{"restore", "FILE=/no/such/file"}},
		{"no reference", manager,
			"REFERENCE is missing: say which submission", []string{"forget"}},
		{"half a backup", manager,
			"is incomplete: the backup was interrupted", []string{"restore", "FILE=" + short}},
		{"an unknown part", manager,
			"ONLY=names is neither visits nor submissions",
			[]string{"restore", "FILE=" + short, "ONLY=names"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, test.docker)
			o.wantRefused(test.reason, test.command[0], test.command[1:]...)
		})
	}
}

// deployment has the cases of a deployment. It records the variables of the stack file and the file
// of the images, and then fails.
const deployment = `
  "stack deploy --help") ;;
  "stack deploy -c"*)
    env >"$0.env"
    cat "${6:-/dev/null}" >"$0.images"
    exit 3 ;;
  "service ps --quiet --no-trunc --filter desired-state=running mystack_db") echo task1 ;;
  "inspect --type task --format {{.NodeID}} "*) echo node1 container1 ;;
  "service ps"*) ;;
`

// wantDeployed checks that make deploy called docker stack deploy with these variables.
func (o *operator) wantDeployed(variables, want []string) {
	o.Helper()
	if out, status := o.run("deploy", variables...); status == 0 {
		o.Errorf("deploy = 0 after docker stack deploy failed, want a failure:\n%s", out)
	}
	env, err := os.ReadFile(o.file("docker.env"))
	if err != nil {
		o.Fatalf("docker stack deploy was not called: %v", err)
	}
	got := strings.Split(string(env), "\n")
	for _, want := range want {
		if !slices.Contains(got, want) {
			o.Errorf("deployed without %s, but with\n%s", want, env)
		}
	}
}

// make deploy keeps the value of each option that the operator leaves out.
func TestDeployKeepsOptionsThatAreLeftOut(t *testing.T) {
	for _, test := range []struct {
		name            string
		variables, want []string
	}{
		{"no option", nil,
			[]string{"APP_REPLICAS=3", "HTTP_PORT=8080", "MYSQL_PASSWORD_VERSION=2", "REGISTRY=",
				"VERSION=1.0", "HEALTH_TIMEOUT=20s", "OPTIONS=HEALTH_TIMEOUT=20s",
				"PREVIOUS=mysimpleapp_app:0.9"}},
		{"the version", []string{"VERSION=1.1"},
			[]string{"APP_REPLICAS=3", "HTTP_PORT=8080", "MYSQL_PASSWORD_VERSION=2", "REGISTRY=",
				"VERSION=1.1", "HEALTH_TIMEOUT=20s", "PREVIOUS=mysimpleapp_app:1.0"}},
		{"all options",
			[]string{"APP_REPLICAS=5", "HTTP_PORT=80", "MYSQL_PASSWORD_VERSION=1",
				"REGISTRY=registry.example.com/team", "VERSION=1.1", "HEALTH_TIMEOUT=9s",
				"DB_PLACEMENT=node.role == worker"},
			[]string{"APP_REPLICAS=5", "HTTP_PORT=80", "MYSQL_PASSWORD_VERSION=1",
				"REGISTRY=registry.example.com/team/", "VERSION=1.1", "HEALTH_TIMEOUT=9s",
				"OPTIONS=DB_PLACEMENT=node.role == worker", "PREVIOUS=mysimpleapp_app:1.0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			newOperator(t, manager+deployment).wantDeployed(test.variables, test.want)
		})
	}
}

// make undeploy keeps the options for the next make deploy.
func TestUndeployAndDeployBringTheSiteBack(t *testing.T) {
	o := newOperator(t, manager+`
  "config create"*) cat >"$0.config" ;;
`)
	if out, status := o.run("undeploy"); status != 0 {
		t.Fatalf("undeploy = %d:\n%s", status, out)
	}
	const created = "config create --label simpleapp.stack=mystack mystack_settings -\n"
	if !strings.Contains(o.calls(), created) {
		t.Errorf("undeploy did not call docker %sbut:\n%s", created, o.calls())
	}
	o.setDocker(neverDeployed + `
  "config inspect --format"*mystack_settings) cat "$0.config" ;;
  "secret ls --format {{.Name}}") printf '%s\n' mystack_{mysql,redis}_password_v3 ;;
` + deployment)
	o.wantDeployed(nil, []string{"APP_REPLICAS=3", "HTTP_PORT=8080", "VERSION=1.0", "REGISTRY=",
		"MYSQL_PASSWORD_VERSION=2", "HEALTH_TIMEOUT=20s", "PREVIOUS=mysimpleapp_app:0.9"})
	images, err := os.ReadFile(o.file("docker.images"))
	const want = `db: { image: "mysimpleapp_db:0.9" }`
	if !strings.Contains(string(images), want) {
		t.Errorf("deployed without %s (%v):\n%s", want, err, images)
	}
}

// tasks has the cases of three services with their tasks. App has three replicas, in the given
// states and versions of the service. copies is the exit status of db-group status.
func tasks(running, copies string) string {
	return manager + `
  "service inspect --format {{with .Spec.Mode.Replicated}}"*UpdateStatus*mystack_app)
    echo "3 none new" ;;
  "service inspect --format {{with .Spec.Mode.Replicated}}"*UpdateStatus*)
    echo "1 none new" ;;
  "service ps --quiet --no-trunc --filter desired-state=running mystack_app")
    printf '%s\n' a b c ;;
  "service ps --quiet --no-trunc --filter desired-state=running "*) echo x ;;
  "inspect --type task --format {{.Status.State}} "*" a b c")
    printf '%s\n' ` + running + ` ;;
  "inspect --type task --format {{.Status.State}} "*) echo "running new" ;;
  "inspect --type task --format {{.NodeID}} {{with"*) echo node1 container1 ;;
  "inspect --type task --format {{.NodeID}} {{range"*) echo node1 10.0.1.2/24 ;;
  "node inspect --format {{.Description.Hostname}} node1") echo first ;;
  "node ls --filter role=manager"*) printf '%s\n' "node1 first" "node2 second" ;;
  "service inspect --format {{.Spec.TaskTemplate.Placement.Constraints}} mystack_db")
    echo "[node.role == manager]" ;;
  *"container1 db-group status first=10.0.1.2 second=") exit ` + copies + ` ;;
`
}

func TestStatusCountsRunningTasks(t *testing.T) {
	for _, test := range []struct {
		name, running, copies, want string
		status                      int
	}{
		{"all run", `"running new" "running new" "running new"`, "0", "", 0},
		{"one is starting", `"running new" "starting new" "running new"`, "0",
			"app: 2 of 3 run as wanted", 1},
		{"one has the old definition", `"running new" "running old" "running new"`, "0",
			"app: 2 of 3 run as wanted", 1},
		{"a copy of the database is missing", `"running new" "running new" "running new"`, "1",
			"", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, status := newOperator(t, tasks(test.running, test.copies)).run("status")
			if status != test.status || !strings.Contains(out, test.want) {
				t.Errorf("status = %d, want %d and %q:\n%s", status, test.status, test.want, out)
			}
		})
	}
}

func TestScaleWaitsForEveryReplica(t *testing.T) {
	o := newOperator(t, tasks(`"running new" "running new" "running new"`, "0"))
	out, status := o.run("scale", "N=3")
	if want := "mystack_app has 3 replicas"; status != 0 || !strings.Contains(out, want) {
		t.Errorf("scale = %d, want 0 and %q:\n%s", status, want, out)
	}
	if want := "service scale --detach mystack_app=3\n"; !strings.Contains(o.calls(), want) {
		t.Errorf("scale did not call docker %sbut:\n%s", want, o.calls())
	}
	o = newOperator(t, tasks(`"running new" "pending new" "running new"`, "0"))
	out, status = o.run("scale", "N=3")
	if want := "not ready after 1 s"; status != 1 || !strings.Contains(out, want) {
		t.Errorf("scale while a replica does not start = %d, want 1 and %q:\n%s", status, want, out)
	}
}

// An interrupted backup leaves no incomplete file, and does not change the file of an earlier
// backup.
func TestInterruptedBackupLeavesNoFile(t *testing.T) {
	o := newOperator(t, manager+`
  "service ps --quiet --no-trunc --filter desired-state=running "*) echo task1 ;;
  "inspect --type task --format {{.NodeID}} "*) echo node1 container1 ;;
  "exec --interactive container1 /simpleapp export --format json --visits")
    echo '{"visits": 7, "submissions": [' ; exit 1 ;;
`)
	file := o.file("site.json.gz")
	const earlier = "the backup of yesterday"
	if err := os.WriteFile(file, []byte(earlier), 0o600); err != nil {
		t.Fatal(err)
	}
	out, status := o.run("backup", "FILE="+file)
	if want := "interrupted"; status != 1 || !strings.Contains(out, want) {
		t.Errorf("backup = %d, want 1 and %q:\n%s", status, want, out)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != earlier {
		t.Errorf("the earlier backup = %q, %v, want %q", content, err, earlier)
	}
	if _, err := os.Stat(file + ".partial"); !os.IsNotExist(err) {
		t.Errorf("stat of the incomplete backup = %v, want that it does not exist", err)
	}
}

// backup and restore call subcommands of the program, pass their variables on as flags, and exit as
// the program did.
func TestBackupAndRestoreCallTheProgram(t *testing.T) {
	const running = manager + `
  "service ps --quiet --no-trunc --filter desired-state=running "*) echo task1 ;;
  "inspect --type task --format {{.NodeID}} "*) echo node1 container1 ;;
`
	const exported = `{"visits": 7, "submissions": [\n{"id": 1}\n]}`
	o := newOperator(t, running+"  exec*export*) printf '"+exported+"' ;;")
	file := o.file("site.json.gz")
	out, status := o.run("backup", "FILE="+file)
	if want := "has 1 submissions and 7 visits"; status != 0 || !strings.Contains(out, want) {
		t.Errorf("backup = %d, want 0 and %q:\n%s", status, want, out)
	}
	for _, test := range []struct {
		name, docker string
		variables    []string
		wantCall     string
		wantStatus   int
		wantOut      string
	}{
		{"visits", "echo imported 7 visits", []string{"ONLY=visits"},
			"/simpleapp import --only visits\n", 0, "restore: imported 7 visits"},
		{"merge", "cat", []string{"MERGE=yes", "ONLY=submissions"},
			"/simpleapp import --merge --only submissions\n", 0, `{"id": 1}`},
		{"error", "echo nothing was imported: add to them with --merge >&2; exit 1", nil,
			"/simpleapp import\n", 1, "nothing was imported: add to them with MERGE=yes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, running+"  exec*import*) "+test.docker+" ;;")
			out, status := o.run("restore", append([]string{"FILE=" + file}, test.variables...)...)
			if status != test.wantStatus || !strings.Contains(out, test.wantOut) ||
				!strings.Contains(o.calls(), test.wantCall) {
				t.Errorf("restore %v = %d, want %d, %q and the call %q:\n%s%s", test.variables,
					status, test.wantStatus, test.wantOut, test.wantCall, out, o.calls())
			}
		})
	}
}
