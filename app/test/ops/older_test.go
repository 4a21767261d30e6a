package ops

import (
	"os"
	"strings"
	"testing"
)

// make deploy turns the db of an older version, one task with a volume, into the first copy of the
// group. If an earlier attempt was interrupted, that service has no task.
func TestDeployFindsNodeOfOlderDB(t *testing.T) {
	for _, test := range []struct{ name, tasks, nodes, constraint, want string }{
		{"its task runs", "task1", "node1", "node.role == manager", "node1"},
		{"its latest task waits for a node", "task2 task1", `"" node1`, "node.role == manager",
			"node1"},
		{"interrupted", "", "", "node.labels.mystack.db == true", "node2"},
		{"interrupted, on one of several nodes", "", "", "node.role == manager", ""},
		{"interrupted, on an unknown node", "", "", "node.platform.os == linux", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, manager+`
  "service inspect --format {{with .Spec.Mode.Replicated}}old"*mystack_db) echo old ;;
  "service inspect --format {{with .Spec.TaskTemplate.Placement}}"*mystack_db)
    echo '`+test.constraint+`' ;;
  "service ps --quiet --no-trunc mystack_db") printf '%s\n' `+test.tasks+` ;;
  "inspect --type task --format {{.NodeID}} `+test.tasks+`") printf '%s\n' `+test.nodes+` ;;
  "node ls --quiet") printf '%s\n' node1 node2 ;;
  "node inspect --format {{.ID}}"*" node1 node2")
    printf '%s\t' node1 first node.role=manager; echo
    printf '%s\t' node2 second node.role=manager node.labels.mystack.db=true; echo ;;
  "node inspect --format {{.ID}} "*) echo "${*: -1}" ;;
  "config create"*) touch "$0.created" ;;
  "config inspect"*) if [ -e "$0.created" ]; then echo config1; fi ;;
  "service ps "*mystack_db-permit) echo "Complete 1 second ago" ;;
`+deployment)
			if test.want == "" {
				o.wantRefused("the node of db's volume is not known", "deploy")
				return
			}
			o.wantDeployed([]string{"VERSION=1.1"}, []string{"DB_FIRST=0"})
			calls := o.calls()
			for _, want := range []string{"--constraint node.id==" + test.want + " ",
				"service scale --detach mystack_db=0\n", "service rm mystack_db\n"} {
				_, rest, found := strings.Cut(calls, want)
				if !found || !strings.Contains(rest, "stack deploy -c") {
					t.Errorf("deploy did not call docker %s before stack deploy:\n%s", want, calls)
				}
			}
			const image = `db: { image: "mysimpleapp_db:1.1" }`
			images, err := os.ReadFile(o.file("docker.additions"))
			if err != nil || !strings.Contains(string(images), image) {
				t.Errorf("deployed without %s (%v):\n%s", image, err, images)
			}
		})
	}
}
