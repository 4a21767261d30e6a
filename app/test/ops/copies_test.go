package ops

import (
	"strings"
	"testing"
)

// make deploy refuses a placement that would not keep most copies of the database.
func TestDeployKeepsMostCopies(t *testing.T) {
	const (
		managers = "node.role == manager"
		ends     = "of the database at once"
	)
	for _, test := range []struct{ present, copies, placement, refused string }{
		{managers, "node1 node2", "", ""},
		{managers, "node1 node2", "node.role==manager", ""},
		{managers, "node1 node2", "node.labels.db != other", ""},
		{managers, "node1 node2", "node.labels.db == true", "would end 1 of 2 copies " + ends},
		{managers, "node1 node2", "node.role == worker", "would end 2 of 2 copies " + ends},
		{managers, "node1 node2", "node.platform.os == linux", "can't be listed"},
		{managers, "", "node.role == worker", ""},
		{"node.labels.any == 1", "node1 node2 node3", "", ""},
		{"node.labels.any == 1", "node1 node2 node3", "node.labels.none == 1", "3 of 3 copies"},
		{"node.platform.os == linux", "node1", "node.platform.os == linux", ""},
	} {
		t.Run(test.placement+" after "+test.present, func(t *testing.T) {
			o := newOperator(t, manager+`
  "service inspect --format {{with .Spec.TaskTemplate.Placement}}"*mystack_db)
    echo '`+test.present+`' ;;
  "inspect --type task --format {{.NodeID}}"*) printf '%s\n' `+test.copies+` ;;
`+threeNodes+deployment)
			if test.refused != "" {
				o.wantRefused(test.refused, "deploy", "DB_PLACEMENT="+test.placement)
			} else {
				o.wantDeployed([]string{"DB_PLACEMENT=" + test.placement}, nil)
			}
		})
	}
}

// Copies that wait for each other are healthy. While they have no primary, no migration is
// possible, and the deployment may be what they need, such as another image of db.
func TestDeployComesBeforeMigrationIfCopiesWait(t *testing.T) {
	const primaryTable = `printf '%s\n' "COPY   STATE" "first  online, primary"`
	for table, migrates := range map[string]bool{waitingTable: false, primaryTable: true} {
		o := newOperator(t, `
case "$*" in
  *"container1 db-group status "*) `+table+`; exit ;;
esac
`+tasks(`"running new" "running new" "running new"`, "0")+deployment)
		o.wantDeployed([]string{"DB_VERSION=1.1"}, nil)
		if migrated := strings.Contains(o.calls(), " migrate\n"); migrated != migrates {
			t.Errorf("beside copies like %s deploy migrated: %t\n%s", table, migrated, o.calls())
		}
	}
}

// Two nodes may have one name. Then it is not known which copy an operator means.
func TestCopiesWithOneName(t *testing.T) {
	const table = `printf '%s\n' \
  "COPY    STATE    IN A GROUP               TRANSACTIONS  LACKS  TO EXECUTE  FREE DISK" \
  "first   waiting  2026-11-25 23:58:02 UTC  51187         23     0           66012 MB" \
  "first   waiting  2026-11-25 23:58:02 UTC  51201         9      0           65980 MB"; exit 1`
	for _, command := range []string{"db-recover", "db-discard"} {
		o := newOperator(t, `
case "$*" in
  "node inspect --format {{.ID}}"*" node1 node2 node3")
    printf '%s\tfirst\tnode.role=manager\t\n' node1 node2; exit ;;
esac
`+waitingCopies(table, "exit 0"))
		out, status := o.run(command, "NODE=node1")
		if status != 1 || !strings.Contains(out, "several nodes are called first") ||
			strings.Contains(o.calls(), "service create") {
			t.Errorf("%s = %d, want 1, the reason, and no job:\n%s%s", command, status, out,
				o.calls())
		}
	}
}

// A job that no node has taken yet must not discard a copy after its command was interrupted.
func TestDiscardCancelsWaitingMark(t *testing.T) {
	o := newOperator(t, `
case "$*" in
  "service create "*" discard") kill "$PPID"; exit ;; # SIGTERM ends it as ctrl-C does
esac
`+waitingCopies(refusedTable, "exit 0"))
	out, status := o.run("db-discard", "NODE=first")
	_, after, made := strings.Cut(o.calls(), "mysimpleapp_db:0.9 discard\n")
	if status == 0 || !made || !strings.Contains(after, "service rm mystack_db-discard\n") {
		t.Errorf("db-discard = %d, want a failure that removes the job:\n%s%s", status, out,
			o.calls())
	}
}
