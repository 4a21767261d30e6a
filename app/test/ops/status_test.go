package ops

import (
	"strings"
	"testing"
)

// tasks has the cases of three services with their tasks. running has a quoted string for each
// replica of app, such as "running new": its state, and whether it has the service's new or old
// definition. groupStatus is the exit status of db-group status.
func tasks(running, groupStatus string) string {
	return manager + `
  "inspect --type task --format {{.Status.State}} {{.NodeID}} "*) echo running node1 container1 ;;
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
  "inspect --type task --format {{.NodeID}} {{range"*) echo node1 10.0.1.2/24 ;;
  "node inspect --format {{.Description.Hostname}} node1") echo first ;;
  "service inspect --format {{with .Spec.TaskTemplate.Placement}}"*mystack_db)
    echo "node.role == manager" ;;
  *"container1 db-group status first=10.0.1.2 second=") exit ` + groupStatus + ` ;;
` + threeNodes
}

// threeNodes has the cases of the nodes: two managers and a worker.
const threeNodes = `
  "node ls --quiet") printf '%s\n' node1 node2 node3 ;;
  "node inspect --format {{.ID}}"*" node1 node2 node3")
    fact() { printf '%s\t' "$@"; echo; }
    fact node1 first node.role=manager node.hostname=first node.labels.db=true
    fact node2 second node.role=manager node.hostname=second
    fact node3 third node.role=worker node.hostname=third node.labels.db=true ;;
`

// status asks for the copy of each node that matches the placement of db, and says if it can't know
// these nodes.
func TestStatusListsNodesWithoutCopy(t *testing.T) {
	const note = "the nodes of db can't be listed"
	for _, test := range []struct {
		constraints, want string
		unknown           bool
	}{
		{"node.role == manager", "first=10.0.1.2 second=", false},
		{"node.role==manager", "first=10.0.1.2 second=", false},
		{"node.labels.db==true", "first=10.0.1.2 third=", false},
		{"node.labels.db != TRUE", "first=10.0.1.2 second=", false},
		{"node.hostname == Third", "first=10.0.1.2 third=", false},
		{"node.hostname == thir", "first=10.0.1.2", false},
		{"node.labels.db == true\nnode.role == worker", "first=10.0.1.2 third=", false},
		{"", "first=10.0.1.2 second= third=", false},
		{"node.platform.os == linux", "first=10.0.1.2", true},
	} {
		o := newOperator(t, strings.Replace(tasks(`"running new" "running new" "running new"`, "0"),
			`echo "node.role == manager"`, "echo '"+test.constraints+"'", 1))
		out, status := o.run("status")
		if want := " db-group status " + test.want + "\n"; status != 0 ||
			!strings.Contains(o.calls(), want) || strings.Contains(out, note) != test.unknown {
			t.Errorf("status with the placement %q = %d, want 0, %q = %t and the call %q:\n%s%s",
				test.constraints, status, note, test.unknown, want, out, o.calls())
		}
	}
}

func TestStatusCountsRunningTasks(t *testing.T) {
	for _, test := range []struct {
		name, running, groupStatus, want string
		status                           int
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
			out, status := newOperator(t, tasks(test.running, test.groupStatus)).run("status")
			if status != test.status || !strings.Contains(out, test.want) {
				t.Errorf("status = %d, want %d and %q:\n%s", status, test.status, test.want, out)
			}
		})
	}
}

// If a command has to go to another node by ssh and can't, it says so: the site may be well.
func TestCommandSaysThatSSHFails(t *testing.T) {
	o := newOperator(t, manager+`
  "service ps --quiet --no-trunc --filter desired-state=running "*) echo task1 ;;
  "inspect --type task --format {{.Status.State}} {{.NodeID}} "*) echo running node2 container2 ;;
  "node inspect --format {{with .ManagerStatus}}"*node2) echo 10.0.0.2:2377 ;;
  "--host ssh://10.0.0.2 "*) exit 1 ;;
`)
	out, status := o.run("backup", "FILE="+o.file("site.json.gz"))
	want := "app does not run on this node, and ssh://10.0.0.2 can't be reached"
	if status != 1 || !strings.Contains(out, want) {
		t.Errorf("backup = %d, want 1 and %q:\n%s", status, want, out)
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

// If the nodes have no room for more replicas, scale and deploy say so, and app has as many as
// before. A new site has as many as leave room for an update.
func TestAppGoesBackIfNoNodeHasRoom(t *testing.T) {
	for _, test := range []struct {
		command       []string
		before, after string // numbers of replicas
	}{
		{[]string{"scale", "N=3"}, "2", "2"},
		{[]string{"deploy", "APP_REPLICAS=3"}, "2", "2"},
		{[]string{"deploy", "APP_REPLICAS=3", "VERSION=2"}, "2", "2"},
		{[]string{"deploy", "APP_REPLICAS=3"}, "", "1"},
		{[]string{"deploy"}, "", "1"}, // which wants the default of docker-stack.yml
	} {
		command := test.command
		t.Run(strings.Join(command, " ")+" after "+test.before, func(t *testing.T) {
			third := `$([ -e "$0.scaled" ] && echo pending || echo running)`
			if test.before == "" { // the site is new
				third = "pending"
			}
			o := newOperator(t, tasks(`"running new" "`+third+` new" "running new"`, "0")+`
  "secret inspect"*) echo secret1 ;;
  "service inspect --format {{.Spec.Mode.Replicated.Replicas}} mystack_app") echo `+test.before+` ;;
  "service ps --no-trunc --filter desired-state=running --format {{.CurrentState}}"*mystack_app)
    echo 'Running 2 minutes ago|'
    echo 'Running 1 minute ago|'
    echo 'Pending 2 seconds ago|"no suitable node (insufficient resources on 1 node)"' ;;
  "service scale --detach mystack_app=3") touch "$0.scaled" ;;
`)
			out, status := o.run(command[0], command[1:]...)
			for _, want := range []string{
				"app: no suitable node (insufficient resources on 1 node)",
				"room for 2 replicas, and an update needs room for one more: " +
					"mystack_app gets " + test.after + ",",
			} {
				if status != 1 || !strings.Contains(out, want) {
					t.Errorf("%s = %d, want 1 and %q:\n%s", command, status, want, out)
				}
			}
			if call := "service scale --detach mystack_app=" + test.after + "\n"; !strings.Contains(
				o.calls(), call) {
				t.Errorf("%s did not call docker %sbut:\n%s", command, call, o.calls())
			}
		})
	}
}

// A command prefers a container that runs to one that is starting, and one on this node to one on
// another node.
func TestCommandChoosesContainer(t *testing.T) {
	for _, tasks := range []string{
		`"preparing node1 " "running node1 container1"`,
		`"starting node1 container2" "running node1 container1"`,
		`"running node2 container2" "running node1 container1"`,
		`"preparing node1 " "starting node1 container1"`,
	} {
		o := newOperator(t, manager+`
  "service ps --quiet --no-trunc --filter desired-state=running "*) printf '%s\n' a b ;;
  "inspect --type task --format {{.Status.State}} {{.NodeID}} "*" a b") printf '%s\n' `+tasks+` ;;
  "exec --interactive container1 /simpleapp export"*) echo '[]}' ;;
`)
		out, status := o.run("backup", "FILE="+o.file("site.json.gz"))
		if status != 0 || !strings.Contains(o.calls(), "exec --interactive container1 ") {
			t.Errorf("backup with the tasks %s = %d, want 0 and container1:\n%s%s",
				tasks, status, out, o.calls())
		}
	}
}
