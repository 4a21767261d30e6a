package ops

import "testing"

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
