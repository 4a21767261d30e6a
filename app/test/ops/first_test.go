package ops

import (
	"os"
	"strings"
	"testing"
)

// completed has the cases of a site whose job db-first has run.
const completed = `
  "service inspect --format {{.ID}} mystack_db-first") echo job1 ;;
  "service ps --format {{.CurrentState}} mystack_db-first")
    printf '%s\n' 'Running 1 second ago' 'Complete 1 minute ago' ;;
`

const rememberStart = "config create --label simpleapp.stack=mystack mystack_db_started -\n"

// An empty copy of the database may make a new site only before the first start of the site.
func TestDeployPermitsFirstStartOnce(t *testing.T) {
	for _, test := range []struct {
		name, docker string
		permits      bool
	}{
		{"a new site", neverDeployed + noSettings, true},
		{"a config says that the site has started",
			neverDeployed + `"config inspect"*mystack_db_started) echo c ;;`, false},
		{"the job has completed", manager + completed, false},
		{"the job waits for a node", manager + `
  "service inspect --format {{.ID}} mystack_db-first") echo job1 ;;
  "service ps --format {{.CurrentState}} mystack_db-first") echo 'Pending 1 minute ago' ;;
`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, test.docker+deployment)
			o.wantDeployed([]string{"VERSION=1.0"}, nil)
			env, err := os.ReadFile(o.file("docker.env"))
			if err != nil || strings.Contains(string(env), "\nDB_FIRST=0\n") == test.permits {
				t.Errorf("deployed with (%v)\n%s\nwant DB_FIRST=0: %t", err, env, !test.permits)
			}
		})
	}
}

// make deploy remembers the start although the app fails afterwards, and make undeploy remembers
// that of a site which was made without make deploy.
func TestStartIsRemembered(t *testing.T) {
	for _, test := range []struct{ name, docker, command string }{
		{"deploy", `
case "$*" in
  "stack deploy -c"*) touch "$0.deployed"; exit ;;
  "service inspect "*UpdateStatus*mystack_db)
    [ -e "$0.deployed" ] || { echo "1 updating new"; exit; } ;;
esac
` + tasks(`"running new" "pending new" "running new"`, "0"), "deploy"},
		{"undeploy", manager + completed, "undeploy"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, test.docker+`
  "secret inspect"*) echo secret1 ;;
`)
			out, status := o.run(test.command)
			if !strings.Contains(o.calls(), rememberStart) ||
				(status == 0) != (test.command == "undeploy") {
				t.Errorf("%s = %d, want the call %q:\n%s%s", test.command, status, rememberStart,
					out, o.calls())
			}
		})
	}
}

// Docker's client 20.10 makes networks before it fails with "Unknown mode: replicated-job". In an
// update from one db to copies, the old db would have been stopped by then.
func TestDeployRefusesOldClient(t *testing.T) {
	newOperator(t, neverDeployed+`"version --format"*) echo 20.10.24+dfsg1 ;;`).
		wantRefused("Docker's client 20.10.24+dfsg1 can't deploy a job", "deploy")
}
