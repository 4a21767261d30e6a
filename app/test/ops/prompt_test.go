package ops

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// make sql and make redis reach the stack's containers. Without a stack they reach those of
// Compose.
func TestPromptsFindTheContainer(t *testing.T) {
	const (
		compose = `"compose ps --quiet "*) echo composed ;;`
		noSwarm = `
case "$*" in
  info*) echo "false " ;;
  "service inspect"*) echo "This node is not a swarm manager." >&2; exit 1 ;;
`
		// A second --init-command would replace the one with which db-admin takes a lock.
		options = " --init-command-add=SET SESSION TRANSACTION READ ONLY simple_db\n"
	)
	for _, test := range []struct{ name, docker, command, want string }{
		{"sql in a stack", manager + oneContainer + compose, "sql",
			"exec --interactive container1 db-admin" + options},
		{"sql in Compose", neverDeployed + compose, "sql",
			"exec --interactive composed db-admin" + options},
		{"sql without a swarm", noSwarm + compose, "sql",
			"exec --interactive composed db-admin" + options},
		{"redis in a stack", manager + oneContainer + compose, "redis",
			"exec --interactive container1 cache-admin\n"},
		{"redis in Compose", neverDeployed + compose, "redis",
			"exec --interactive composed cache-admin\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, test.docker)
			if out, status := o.run(test.command); status != 0 {
				t.Errorf("%s = %d, want 0:\n%s", test.command, status, out)
			}
			if calls := o.calls(); !strings.HasSuffix(calls, test.want) {
				t.Errorf("%s called\n%s\nwant at last %s", test.command, calls, test.want)
			}
		})
	}
	o := newOperator(t, neverDeployed)
	o.install("docker-compose", `echo composed-by "$@"`)
	if out, status := o.run("redis", "COMPOSE=docker-compose"); status != 0 ||
		!strings.Contains(o.calls(),
			"exec --interactive composed-by ps --quiet cache cache-admin\n") {
		t.Errorf("redis with COMPOSE=docker-compose = %d, want 0 and its container:\n%s%s",
			status, out, o.calls())
	}
	o = newOperator(t, neverDeployed)
	o.wantRefused("db runs neither in Compose nor in a stack mystack", "sql")
}

// A prompt keeps no history: the client would write what the operator types into mysql's home,
// which is the volume.
func TestPromptKeepsNoHistory(t *testing.T) {
	o := newOperator(t, manager)
	o.install("mysql", `echo "history: $MYSQL_HISTFILE"`)
	o.install("db-group", "echo 10.0.1.2")
	for _, group := range []string{"", "service1"} {
		cmd := exec.Command("../../../mysql_db/bin/db-admin")
		cmd.Env = []string{"PATH=" + o.dir + ":" + os.Getenv("PATH"), "DB_GROUP=" + group}
		const want = "history: /dev/null\n"
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("db-admin with DB_GROUP=%q = %q, %v, want %q", group, out, err, want)
		}
	}
}
