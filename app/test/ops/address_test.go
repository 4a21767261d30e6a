package ops

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"text/template"
)

// A command reaches another node by its address. Docker tells that of a manager with a port, and
// that of a worker without one.
func TestCommandReachesOtherNode(t *testing.T) {
	const docker = manager + `
  "service ps --quiet --no-trunc --filter desired-state=running "*) echo task1 ;;
  "inspect --type task --format {{.Status.State}} {{.NodeID}} "*) echo running node2 container2 ;;
`
	call := regexp.MustCompile(`node inspect --format (.*) node2\n`)
	for _, test := range []struct{ name, node, want string }{
		{"a manager",
			`{"Status": {"Addr": "0.0.0.0"}, "ManagerStatus": {"Addr": "10.0.0.2:2377"}}`,
			"ssh://10.0.0.2"},
		{"a manager with IPv6",
			`{"Status": {"Addr": "fd00::2"}, "ManagerStatus": {"Addr": "[fd00::2]:2377"}}`,
			"ssh://[fd00::2]"},
		{"a worker", `{"Status": {"Addr": "10.0.0.2"}}`, "ssh://10.0.0.2"},
		{"a worker with IPv6", `{"Status": {"Addr": "fd00::2"}}`, "ssh://[fd00::2]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, docker)
			o.run("backup", "FILE=-")
			asked := call.FindStringSubmatch(o.calls())
			if asked == nil {
				t.Fatalf("backup did not ask for the address:\n%s", o.calls())
			}
			var node map[string]any
			if err := json.Unmarshal([]byte(test.node), &node); err != nil {
				t.Fatal(err)
			}
			var answer strings.Builder
			if err := template.Must(template.New("").Parse(asked[1])).Execute(&answer,
				node); err != nil {
				t.Fatal(err)
			}
			o.setDocker(docker + `  "node inspect"*) echo '` + answer.String() + `' ;;`)
			_, status := o.run("backup", "FILE=-")
			if want := "--host " + test.want + " exec "; status != 0 ||
				!strings.Contains(o.calls(), want) {
				t.Errorf("backup = %d, want 0 and %q:\n%s", status, want, o.calls())
			}
		})
	}
}
