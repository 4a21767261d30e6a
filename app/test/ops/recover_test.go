package ops

import (
	"slices"
	"strings"
	"testing"
)

// waitingCopies has the cases of a site whose group has not started. The shell command table stands
// for db-group status. The shell command started stands for db-group primary, which waits for the
// primary.
func waitingCopies(table, started string) string {
	return manager + oneContainer + `
  "service inspect --format {{with .Spec.TaskTemplate.Placement}}"*mystack_db)
    echo "node.role == manager" ;;
  "inspect --type task --format {{.NodeID}} {{range"*) echo node1 10.0.1.2/24 ;;
  "node inspect --format {{.Description.Hostname}} node1") echo first ;;
  "node inspect --format {{.Description.Hostname}} first") echo first ;;
  "node inspect --format {{.Description.Hostname}} second") echo second ;;
  "node inspect --format {{.Description.Hostname}} third") echo third ;;
  "node inspect --format {{.Description.Hostname}} worker") echo worker ;;
  "node inspect --format {{.Status.State}} third") echo "${THIRD:-down}" ;;
  "node inspect --format {{.ID}} "*) echo node1 ;;
  *"container1 db-group status "*) ` + table + ` ;;
  *"container1 db-group primary") ` + started + ` ;;
  "service create "*) ;;
  "service rm "*) ;;
  "service ps --no-trunc --format {{.CurrentState}} {{.Error}} "*) echo Complete ;;
` + threeNodes
}

const waitingTable = `printf '%s\n' "COPY   STATE" "first  waiting  never  51187  0  0  66012 MB"
  exit 1`

// make db-recover permits nothing if the copies can't be asked, if there is a primary, or if the
// node has no copy.
func TestRecoverRefuses(t *testing.T) {
	const primaryTable = `printf '%s\n' "COPY   STATE" "first  online, primary"`
	for _, test := range []struct{ name, table, node, reason string }{
		{"no copy can be asked", `echo "no such container"; exit 1`, "first",
			"can't ask the copies"},
		{"there is a primary", primaryTable, "first", "the group has a primary"},
		{"the node has no copy", waitingTable, "worker", "worker has no copy"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, waitingCopies(test.table, "exit 0"))
			out, status := o.run("db-recover", "NODE="+test.node)
			if status != 1 || !strings.Contains(out, test.reason) {
				t.Errorf("db-recover = %d, want 1 and %q:\n%s", status, test.reason, out)
			}
			if strings.Contains(o.calls(), "service create") {
				t.Errorf("db-recover made a job:\n%s", o.calls())
			}
		})
	}
}

// Another copy may have submissions that the chosen one lacks. An operator has to say that the site
// may lose them.
func TestRecoverLosesNothingUnasked(t *testing.T) {
	const table = `printf '%s\n' \
  "COPY    STATE            IN A GROUP               TRANSACTIONS  LACKS  TO EXECUTE  FREE DISK" \
  "first   waiting          2026-11-25 23:58:02 UTC  51187         23     0           66012 MB" \
  "second  waiting          never                    51201         9      0           65980 MB" \
  "third   does not answer"; exit 1`
	empty := strings.NewReplacer(
		"first   waiting", "first   empty  ", "51187         23", "0             0 ",
		"second  waiting", "second  empty  ", "51201         9", "0             0").Replace(table)
	starting := strings.Replace(table, `"third   does not answer"`, `"third   starting         `+
		`never                    ?             ?      0           65911 MB"`, 1)
	const (
		noData  = "the copy on first has no data, so a new, empty site would begin"
		lacks   = "first lacks 23 transactions, and second lacks 9: choose NODE=second"
		unknown = "the copy on third does not answer, so it is not known what it lacks"
		starts  = "the database on third is still starting, so it is not known what it has"
		silent  = "the copy on third does not answer, although its machine is up, so it may be in a"
	)
	for _, test := range []struct {
		name      string
		table     string
		variables []string
		refusal   string
	}{
		{"no copy", table, nil, "make db-recover NODE=second, which lacks least"},
		{"no copy, while one is starting", starting, nil, "third is still starting: repeat this"},
		{"no copy, where none has data", empty, nil, "NODE=… LOSE=yes begins a new, empty site"},
		{"the copy that lacks most", table, []string{"NODE=first"}, lacks},
		{"the copy that lacks most, on purpose", table, []string{"NODE=first", "LOSE=yes"}, ""},
		{"the copy that lacks least", table, []string{"NODE=second"}, ""},
		{"the copy that lacks least, while another machine is up", table,
			[]string{"NODE=second", "THIRD=ready"}, silent},
		{"the same, on purpose", table, []string{"NODE=second", "THIRD=ready", "LOSE=yes"}, ""},
		{"a copy that does not answer", table, []string{"NODE=third"}, unknown},
		{"a copy that does not answer, on purpose", table,
			[]string{"NODE=third", "LOSE=yes"}, ""},
		{"the copy that lacks least, beside one that is starting", starting,
			[]string{"NODE=second"}, starts},
		{"the copy that lacks least, beside one that is starting, on purpose", starting,
			[]string{"NODE=second", "LOSE=yes"}, ""},
		{"a copy that is starting", starting, []string{"NODE=third"}, starts},
		{"an empty copy", empty, []string{"NODE=first"}, noData},
		{"an empty copy, on purpose", empty, []string{"NODE=first", "LOSE=yes"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, waitingCopies(test.table, "exit 0"))
			out, status := o.run("db-recover", test.variables...)
			command := "permit" // of db-group
			if slices.Contains(test.variables, "LOSE=yes") {
				command = "permit-empty"
			}
			permitted := strings.Contains(o.calls(), "mysimpleapp_db:0.9 "+command+"\n")
			refused := test.refusal != ""
			if permitted == refused || (status == 1) != refused ||
				!strings.Contains(out, test.refusal) {
				t.Errorf("db-recover %v = %d, permitted %t, want the refusal %q:\n%s",
					test.variables, status, permitted, test.refusal, out)
			}
		})
	}
}

// refusedTable has a copy that the group refuses.
const refusedTable = `printf '%s\n' "COPY   STATE" \
  "first  waiting  2026-11-25 23:58:02 UTC  51187  0  0  66012 MB" \
  "second  online, primary  now  51210  2  0  66012 MB"; exit 1`

// make db-discard marks no volume on a node that has no copy.
func TestDiscardNeedsCopy(t *testing.T) {
	for _, node := range []string{"first", "worker"} {
		o := newOperator(t, waitingCopies(refusedTable, "exit 1"))
		if node == "worker" {
			o.wantRefused("worker has no copy: make status lists them", "db-discard", "NODE=worker")
		} else if out, status := o.run("db-discard", "NODE="+node); status != 0 ||
			!strings.Contains(o.calls(), "mysimpleapp_db:0.9 discard\n") {
			t.Errorf("db-discard NODE=%s = %d, want 0 and the mark:\n%s%s", node, status, out,
				o.calls())
		}
	}
}

// Where the site seems to have begun anew, the copy that the group refuses may have the site's
// data. An operator has to say that it may be lost.
func TestDiscardLosesNoSite(t *testing.T) {
	const heading = `printf '%s\n' "COPY STATE IN A GROUP TRANSACTIONS LACKS TO EXECUTE FREE DISK" `
	primary := func(has, lacks string) string {
		return ` "second online, primary now ` + has + ` ` + lacks + ` 0 66012 MB"`
	}
	const (
		first  = `"first waiting 2026-11-25 23:58:02 UTC 51187 9 0 66012 MB"`
		older  = `"first  waiting  never  0  312  0  66012 MB"`
		copies = `"first  copying  never  0  312  0  66012 MB"`
		silent = `"first does not answer"`
	)
	for _, test := range []struct {
		name, table, refusal string
	}{
		{"the site goes on", heading + first + primary("51210", "2"), ""},
		{"the site began anew", heading + first + primary("312", "51187"),
			"the group has 312 transactions, and lacks 51187 that other copies have"},
		{"the copy was never in a group", heading + older + primary("312", "0"),
			"the copy on first was never in a group"},
		{"the copy has no data", heading + copies + primary("312", "0"), ""},
		{"the copy does not answer", heading + silent + primary("312", "0"),
			"the copy on first does not answer, so it is not known what it has"},
		{"there is no primary", heading + first, "the group has no primary"},
		{"a primary is chosen meanwhile", `if mkdir "$0.asked"; then ` + heading + first +
			"; else " + heading + first + primary("51210", "2") + "; fi", ""},
		{"the copies can't be asked", "echo no such container",
			"can't ask the copies, so nothing was changed: no such container"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, lose := range []bool{false, true} {
				o, variables := newOperator(t, waitingCopies(test.table+"; exit 1", "exit 0")),
					[]string{"NODE=first"}
				refused := test.refusal != "" && !lose
				if lose {
					variables = append(variables, "LOSE=yes")
				}
				out, status := o.run("db-discard", variables...)
				discarded := strings.Contains(o.calls(), "mysimpleapp_db:0.9 discard\n")
				if discarded == refused || (status == 1) != refused ||
					refused && !strings.Contains(out, test.refusal) {
					t.Errorf("db-discard %v = %d, discarded %t, want %q:\n%s", variables, status,
						discarded, test.refusal, out)
				}
			}
		})
	}
}

// db-recover takes its permission back when it ends, whether or not the group has started.
// Otherwise that copy could start a second group later.
func TestRecoverTakesBackPermission(t *testing.T) {
	for _, test := range []struct {
		started, forbidden string // how the wait for the primary ends, and the job that forbids
		status             int
		message            string
	}{
		{"exit 0", "Complete", 0, "the permission is taken back"},
		{"exit 1", "Complete", 1, "the permission is taken back"},
		{"exit 0", "Rejected", 1, "the copy on first may still start a group: keep this group"},
		{"exit 1", "Rejected", 1,
			"the copy on first may still start a group: choose no other copy"},
	} {
		o := newOperator(t, `
case "$*" in
  "service ps --no-trunc --format {{.CurrentState}} {{.Error}} mystack_db-forbid")
    echo "`+test.forbidden+`"; exit ;;
esac
`+waitingCopies(waitingTable, test.started))
		out, status := o.run("db-recover", "NODE=first")
		if status != test.status || !strings.Contains(out, test.message) {
			t.Errorf("db-recover = %d, want %d and %q:\n%s", status, test.status, test.message, out)
		}
		if !strings.Contains(o.calls(), "mysimpleapp_db:0.9 permit\n") {
			t.Errorf("db-recover did not permit the start:\n%s", o.calls())
		}
		if !strings.Contains(o.calls(), "mysimpleapp_db:0.9 forbid\n") {
			t.Errorf("db-recover = %d, and does not take the permission back:\n%s", status,
				o.calls())
		}
	}
}

// A permission that no node has taken yet must not arrive after it was taken back.
func TestRecoverCancelsWaitingPermission(t *testing.T) {
	o := newOperator(t, `
case "$*" in
  "service create "*" permit") kill "$PPID"; exit ;; # SIGTERM ends it as ctrl-C does
esac
`+waitingCopies(waitingTable, "exit 0"))
	out, status := o.run("db-recover", "NODE=first")
	_, after, permitted := strings.Cut(o.calls(), "mysimpleapp_db:0.9 permit\n")
	before, _, forbidden := strings.Cut(after, "mysimpleapp_db:0.9 forbid\n")
	if status == 0 || !permitted || !forbidden ||
		!strings.Contains(before, "service rm mystack_db-permit\n") {
		t.Errorf("db-recover = %d, want a failure that removes the job before it forbids:\n%s%s",
			status, out, o.calls())
	}
}

// One call of db-group primary waits two minutes. The group may take longer, and TIMEOUT says how
// long the operator waits.
func TestRecoverWaitsForPrimary(t *testing.T) {
	o := newOperator(t, waitingCopies(waitingTable,
		`if [ ! -e "$0.asked" ]; then touch "$0.asked"; exit 1; fi`))
	out, status := o.run("db-recover", "NODE=first", "TIMEOUT=20")
	if status != 0 || !strings.Contains(out, "the group has started") {
		t.Errorf("db-recover = %d, want 0 after the second question:\n%s%s", status, out, o.calls())
	}
}
