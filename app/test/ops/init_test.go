package ops

import (
	"os"
	"strings"
	"testing"
)

// freshSwarm has the cases of a swarm of two nodes without a password, whose first node has cache.
const freshSwarm = `
case "$*" in
  "info --format {{.Swarm.LocalNodeState}}") echo active ;;
  "info --format {{.Swarm.ControlAvailable}}"*) echo "true" ;;
  "node ls --quiet") printf '%s\n' node1 node2 ;;
  "node inspect --format {{index .Spec.Labels"*node1) echo true ;;
`

// A cache that moves leaves its volume behind, and swarm-init says so. The count goes on from the
// one that the app knows.
func TestSwarmInitSaysThatCacheLeavesItsVolume(t *testing.T) {
	const docker = freshSwarm + `
  "node inspect --format {{.ID}} second") echo node2 ;;
  "node inspect --format {{.Description.Hostname}} node1") echo first ;;
  "node inspect --format {{.Description.Hostname}} node2") echo second ;;
`
	const words = "cache leaves its volume on first, " +
		"and uses the one that second has of an earlier time, or an empty one"
	for variable, want := range map[string]bool{"CACHE_NODE=second": true, "CACHE_NODE=": false} {
		out, status := newOperator(t, docker).run("swarm-init", variable)
		if status != 0 || strings.Contains(out, words) != want {
			t.Errorf("swarm-init %s = %d, want 0 and %q = %t:\n%s",
				variable, status, words, want, out)
		}
	}
}

// A label moves no cache that CACHE_PLACEMENT places otherwise.
func TestSwarmInitMovesOnlyCacheWithLabel(t *testing.T) {
	for _, constraint := range []string{"node.role == manager", "node.labels.mystack.cache==true"} {
		o := newOperator(t, freshSwarm+`
  "node inspect --format {{.ID}} second") echo node2 ;;
  "node inspect --format {{.Description.Hostname}} second") echo second ;;
  "service inspect --format {{with .Spec.TaskTemplate.Placement}}"*mystack_cache)
    echo "`+constraint+`" ;;
`)
		out, status := o.run("swarm-init", "CACHE_NODE=second")
		const reason = "cache is placed by 'node.role == manager', not by a label: " +
			"make deploy CACHE_PLACEMENT='node.hostname == second' moves it"
		labelled := strings.Contains(o.calls(),
			"node update --label-add mystack.cache=true node2\n")
		if refused := strings.Contains(out, reason); refused == labelled ||
			(status == 0) != labelled || labelled != strings.Contains(constraint, "label") {
			t.Errorf("swarm-init with cache on %s = %d, refused %t, labelled %t:\n%s", constraint,
				status, refused, labelled, out)
		}
	}
}

// A site that was made by a plain docker stack deploy has its cache on any manager. A label would
// mean nothing there.
func TestSwarmInitLabelsNoNodeInVain(t *testing.T) {
	o := newOperator(t, strings.ReplaceAll(freshSwarm, "echo true ;;", "echo ;;")+`
  "service inspect --format {{.ID}} mystack_app") echo app1 ;;
  "service inspect --format {{with .Spec.TaskTemplate.Placement}}"*mystack_cache)
    echo "node.role == manager" ;;
`)
	out, status := o.run("swarm-init")
	if status != 0 || strings.Contains(o.calls(), "--label-add") ||
		strings.Contains(out, "lives on") {
		t.Errorf("swarm-init = %d, want 0 and no label:\n%s%s", status, out, o.calls())
	}
}

// If the engine manages no swarm, a command says the state that Docker tells. A locked manager is
// not a worker.
func TestCommandsTellTheStateOfTheSwarm(t *testing.T) {
	for _, state := range []string{"locked", "active", "inactive", "pending"} {
		for _, command := range []string{"status", "swarm-init"} {
			if command == "swarm-init" && state == "inactive" {
				continue // it makes the swarm
			}
			o := newOperator(t, `
case "$*" in
  "info --format {{.Swarm.LocalNodeState}}") echo `+state+` ;;
  "info --format {{.Swarm.ControlAvailable}}"*) echo "false " ;;
`)
			want := "this engine manages no swarm, its state is " + state
			if state == "locked" {
				want = "the swarm is locked: docker swarm unlock"
			}
			o.wantRefused(want, command)
		}
	}
}

// A cache that does not start in time is an error with a reason, also if no task has failed.
func TestSwarmInitSaysThatCacheDoesNotStart(t *testing.T) {
	out, status := newOperator(t, freshSwarm+`
  "node inspect --format {{.ID}} second") echo node2 ;;
  "service inspect --format {{.ID}} mystack_app") echo app1 ;;
  "service inspect "*UpdateStatus*mystack_cache) echo "1 none new" ;;
`).run("swarm-init", "CACHE_NODE=second")
	const reason = "swarm-init: not ready after 1 s"
	if status != 1 || !strings.Contains(out, reason) {
		t.Errorf("swarm-init = %d, want 1 and %q:\n%s", status, reason, out)
	}
}

// The label of a node changes no service. So the state of an update is that of an earlier
// deployment, and says nothing about cache on its new node.
func TestSwarmInitIgnoresEarlierUpdates(t *testing.T) {
	for _, test := range []struct {
		update, task, want string
		status             int
	}{
		{"rollback_completed", "running new", "", 0},
		{"rollback_paused", "running new", "", 0},
		{"rollback_completed", "starting new", "swarm-init: not ready after 1 s", 1},
	} {
		out, status := newOperator(t, freshSwarm+`
  "node inspect --format {{.ID}} second") echo node2 ;;
  "service inspect --format {{.ID}} mystack_app") echo app1 ;;
  "service inspect "*UpdateStatus*mystack_cache) echo "1 `+test.update+` new" ;;
  "service ps --quiet --no-trunc --filter desired-state=running mystack_cache") echo task1 ;;
  "inspect --type task --format {{.Status.State}} "*task1) echo "`+test.task+`" ;;
`).run("swarm-init", "CACHE_NODE=second")
		if status != test.status || !strings.Contains(out, test.want) ||
			strings.Contains(out, "rolled back") {
			t.Errorf("swarm-init with cache %s after %s = %d, want %d and %q:\n%s", test.task,
				test.update, status, test.status, test.want, out)
		}
	}
}

// swarm-init makes no secret whose password it can't keep for the operator.
func TestSwarmInitWritesPasswordsFirst(t *testing.T) {
	const reason = "the passwords can't be added to PASSWORDS="
	for _, docker := range []string{freshSwarm, `case "$*" in info*) echo "false " ;;`} {
		o := newOperator(t, docker)
		o.wantRefused(reason, "swarm-init", "PASSWORDS="+o.file("missing/passwords"))
	}
	o := newOperator(t, freshSwarm)
	file := o.file("passwords")
	if out, status := o.run("swarm-init", "PASSWORDS="+file); status != 0 {
		t.Errorf("swarm-init = %d, want 0:\n%s", status, out)
	}
	content, err := os.ReadFile(file)
	if err != nil || strings.Count(string(content), "_password=") != 2 {
		t.Errorf("the operator's file has %q (%v), want two passwords", content, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the operator's file is %v (%v), want one for its owner alone", info, err)
	}
}

// swarm-init refuses the passwords that db and cache would refuse, before it changes anything.
func TestSwarmInitRefusesPassword(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"mysql_password=two words\n", "mysql_password has white space"},
		{"mysql_password=it's-mine\n", "mysql_password has a quote"},
		{"redis_password=password\r\n", "redis_password has white space"},
		{"redis_password=\xff\xfep\x00w\x00\n", "redis_password has a control character"},
	} {
		o := newOperator(t, freshSwarm)
		file := o.file("passwords")
		if err := os.WriteFile(file, []byte(test.line), 0o600); err != nil {
			t.Fatal(err)
		}
		o.wantRefused(file+": "+test.want, "swarm-init", "PASSWORDS="+file)
	}
}
