package ops

import (
	"strings"
	"testing"
)

// failureAction is the beginning of a call of docker: it sets what Swarm does if an update fails.
const failureAction = "service update --detach --with-registry-auth --no-resolve-image " +
	"--update-failure-action "

// updating has the cases of an update of app that make scale begins. state is the state of the
// update. Swarm wanted another replica to run on node2, whose state is node: replica is how far that
// one came. The update has not replaced the last of three replicas. When Swarm begins it anew, it
// replaces that one, unless it has rolled the update back to the definition old just before.
func updating(state, replica, node, definition string) string {
	const all = `"running new" "running new" "running $([ -e "$0.anew" ] && echo new || echo old)"`
	const first = `
  "inspect --type task --format {{.Status.State}} {{.`
	cases := strings.NewReplacer(
		`echo "3 none new"`, `[ -e "$0.changed" ] && [ ! -e "$0.anew" ] &&
      echo "3 `+state+` new" || echo "3 none new"`,
		first, first+`DesiredState}} {{.NodeID}} a b c lost")
    printf '%s\n' "running running node1" "running running node1" "running running node1"
    echo "`+replica+` shutdown node2" ;;`+first,
	).Replace(tasks(all, "0"))
	return cases + `
  "service ps --quiet --no-trunc mystack_app") printf '%s\n' a b c lost ;;
  "node inspect --format {{.Status.State}} node2") echo ` + node + ` ;;
  "service inspect --format {{json .Spec.TaskTemplate}} mystack_app")
    [ -e "$0.anew" ] && echo '` + definition + `' || echo new ;;
  "service scale --detach mystack_app=3") touch "$0.changed" ;;
  "` + failureAction + `pause mystack_app") touch "$0.anew" ;;
`
}

// A machine died before a new replica ran there. Swarm runs that replica elsewhere, but its update
// waits for the machine.
func TestCommandLetsUpdateGoOn(t *testing.T) {
	for _, test := range []struct {
		name, state, replica, node, definition string
		actions                                []string // that the command sets
		status                                 int
		want                                   string
	}{
		{"a machine died", "updating", "assigned", "down", "new", []string{"pause", "rollback"},
			0, "mystack_app has 3 replicas"},
		{"a machine died, and the command is repeated", "none", "starting", "down", "new",
			[]string{"pause", "rollback"}, 0, "mystack_app has 3 replicas"},
		{"Swarm rolls back in the same moment", "updating", "assigned", "down", "old",
			[]string{"pause"}, 1, "app was rolled back"},
		// Swarm is about to roll this update back. If the command changed anything now, Swarm would
		// no longer say that it did.
		{"a replica failed", "updating", "failed", "down", "old", nil, 1, "not ready after 12 s"},
		{"a replica stops slowly", "updating", "starting", "ready", "old", nil,
			1, "not ready after 12 s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOperator(t, updating(test.state, test.replica, test.node, test.definition))
			out, status := o.run("scale", "N=3", "TIMEOUT=12")
			if status != test.status || !strings.Contains(out, test.want) {
				t.Errorf("scale = %d, want %d and %q:\n%s", status, test.status, test.want, out)
			}
			note := strings.Count(out, "the update waits for a machine that died")
			if note != min(1, len(test.actions)) {
				t.Errorf("scale says %d times that the update waits:\n%s", note, out)
			}
			for _, action := range []string{"pause", "rollback"} {
				want := strings.Count(strings.Join(test.actions, " "), action)
				call := failureAction + action + " mystack_app\n"
				if got := strings.Count(o.calls(), call); got != want {
					t.Errorf("scale called docker %d times, want %d: %s", got, want, call)
				}
			}
		})
	}
}

// If a command changed app during its update, Swarm would forget the version to roll back to, and
// end old replicas before new ones are healthy. So the command first waits until the update has
// ended.
func TestCommandsWaitForUpdate(t *testing.T) {
	for _, test := range []struct {
		command []string
		change  string // the call of docker that comes after the update
	}{
		{[]string{"scale", "N=3"}, "service scale --detach mystack_app=3\n"},
		{[]string{"deploy", "VERSION=2"}, "stack deploy -c"},
	} {
		for _, end := range []string{"completed", "rollback_completed"} {
			t.Run(test.command[0]+" until "+end, func(t *testing.T) {
				t.Parallel()
				const all = `"running new" "running new" "running new"`
				o := newOperator(t, strings.Replace(tasks(all, "0"), `echo "3 none new"`,
					`echo >>"$0.asked"
    [ $(wc -l <"$0.asked") -lt 4 ] && echo "3 updating new" || echo "3 `+end+` new"`, 1)+
					deployment)
				out, _ := o.run(test.command[0], append(test.command[1:], "TIMEOUT=30")...)
				before, _, changed := strings.Cut(o.calls(), test.change)
				if n := strings.Count(before, "UpdateStatus"); !changed || n < 4 {
					t.Errorf("%s called docker %q: %t, and before looked %d times at updates, "+
						"want true and at least 4:\n%s%s",
						test.command, test.change, changed, n, out, o.calls())
				}
			})
		}
	}
}

// Swarm may say that a rollback is completed while it still replaces a replica. The version before
// runs only after that.
func TestCommandWaitsUntilRollbackRuns(t *testing.T) {
	const running = `"running new" "running new"
    if [ ! -e "$0.changed" ] || [ -e "$0.replaced" ]; then echo "running new"
    else echo "starting new"; touch "$0.replaced"; fi`
	o := newOperator(t, strings.Replace(tasks(running, "0"), `echo "3 none new"`,
		`[ -e "$0.changed" ] && echo "3 rollback_completed new" || echo "3 none new"`, 1)+`
  "service scale --detach mystack_app=3") touch "$0.changed" ;;
`)
	out, status := o.run("scale", "N=3", "TIMEOUT=30")
	waited := strings.Contains(out, "scale: app: rollback_completed, 2 of 3 run as wanted\n"+
		"scale: app: rollback_completed\n")
	if want := "app was rolled back"; status != 1 || !waited || !strings.Contains(out, want) {
		t.Errorf("scale = %d, want 1, %q and that it waits:\n%s", status, want, out)
	}
}
