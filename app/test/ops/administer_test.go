package ops

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Errors of the program go to standard error, so that a script that discards the output shows them.
func TestErrorsGoToStandardError(t *testing.T) {
	const docker = manager + oneContainer + `
  run*|exec*import*) echo an answer; echo "an error; select one with --id" >&2; exit 1 ;;
`
	file := filepath.Join(t.TempDir(), "site.json")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ command, variable string }{
		{"forget", "REFERENCE=3f9a-2c71-b04e"},
		{"restore", "ONLY=visits"},
	} {
		out, errors, status := newOperator(t, docker).
			runSeparately(test.command, test.variable, "FILE="+file)
		want := test.command + ": an error; select one with ID=…"
		if status != 1 || strings.Contains(out, "error") || !strings.Contains(errors, want) {
			t.Errorf("%s = %d, %q, want 1 and the error %q:\n%s", test.command, status, out, want,
				errors)
		}
	}
}

// Several submissions may have one reference.
func TestForgetSelectsBySubmissionID(t *testing.T) {
	o := newOperator(t, manager+oneContainer)
	out, status := o.run("forget", "REFERENCE=3f9a-2c71-b04e", "ID=7")
	const want = " forget --id 7 3f9a-2c71-b04e\n"
	if status != 0 || !strings.Contains(o.calls(), want) {
		t.Errorf("forget ID=7 = %d, want 0 and the call %q:\n%s%s", status, want, out, o.calls())
	}
}

// A tag may have been pushed again. make deploy migrates with the image that Swarm will run.
func TestDeployMigratesWithTheRegistrysImage(t *testing.T) {
	const (
		tag    = "registry.example.com/mysimpleapp_app:1.1"
		pull   = "pull --quiet " + tag + "\n"
		failed = "the schema is not what " + tag + " needs"
	)
	docker := tasks(`"running new" "running new" "running new"`, "0") + deployment
	variables := []string{"REGISTRY=registry.example.com", "VERSION=1.1"}
	o := newOperator(t, docker)
	o.wantDeployed(variables, nil)
	_, after, pulled := strings.Cut(o.calls(), pull)
	if !pulled || !strings.Contains(after, tag+" migrate\n") {
		t.Errorf("deploy did not call docker %s before the migration:\n%s", pull, o.calls())
	}
	o = newOperator(t, docker+"  pull*) exit 1 ;;")
	out, status := o.run("deploy", variables...)
	if status != 1 || !strings.Contains(out, failed) || strings.Contains(o.calls(), " migrate\n") {
		t.Errorf("deploy without the image = %d, want 1 and %q:\n%s%s", status, failed, out,
			o.calls())
	}
	o = newOperator(t, docker)
	o.wantDeployed([]string{"VERSION=1.1"}, nil)
	if strings.Contains(o.calls(), "pull ") {
		t.Errorf("deploy without a registry pulls an image:\n%s", o.calls())
	}
}

// The tag that runs may have been pushed again. The version before may have stored submissions
// while the new one of the same tag began: make deploy counts them after its last task has ended.
func TestDeployCountsAfterOldVersionHasEnded(t *testing.T) {
	const tag = "registry.example.com/mysimpleapp_app:1.1"
	for _, test := range []struct {
		name, digest   string // of the image after the deployment; before it is old
		wantMigrations int
	}{{"the same image", "old", 1}, {"another image of the same tag", "new", 2}} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, `
digest=old
if [ -e "$0.deployed" ]; then digest=`+test.digest+`; fi
case "$*" in
  "stack deploy -c"*) touch "$0.deployed"; exit ;;
  "service inspect --format {{.Spec.TaskTemplate.ContainerSpec.Image}} mystack_app")
    echo "`+tag+`@sha256:$digest"; exit ;;
esac
`+tasks(`"running new" "running new" "running new"`, "0")+`
  "secret inspect"*) echo secret1 ;;
`)
			out, status := o.run("deploy")
			if n := strings.Count(o.calls(), tag+" migrate\n"); status != 0 ||
				n != test.wantMigrations {
				t.Errorf("deploy = %d with %d migrations, want 0 with %d:\n%s%s", status, n,
					test.wantMigrations, out, o.calls())
			}
		})
	}
}

// If no container of db runs, a command that administers it also says what it has not done.
func TestAdministratorNeedsDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "site.json")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]string{
		"restore": "nothing was restored", "deploy": "nothing was deployed"} {
		o := newOperator(t, `
case "$*" in
  "inspect --type task --format {{.Status.State}} {{.NodeID}} "*) echo "preparing node1 "; exit ;;
esac
`+tasks(`"running new" "running new" "running new"`, "0")+`
  "secret inspect"*) echo secret1 ;;
`)
		out, status := o.run(command, "FILE="+file)
		if status != 1 || !strings.Contains(out, "db has not started yet") ||
			!strings.Contains(out, want) {
			t.Errorf("%s = %d, want 1, the reason and %q:\n%s", command, status, want, out)
		}
	}
}

// Two commands at once have different accounts, and each removes its own.
func TestAdministratorsHaveAccountsOfTheirOwn(t *testing.T) {
	o := newOperator(t, manager+oneContainer+`
  "exec --interactive container1 "*) cat >>"$0.sql" ;;
`)
	for range 2 {
		if out, status := o.run("forget", "REFERENCE=3f9a-2c71-b04e"); status != 0 {
			t.Fatalf("forget = %d:\n%s", status, out)
		}
	}
	sql, err := os.ReadFile(o.file("docker.sql"))
	if err != nil {
		t.Fatal(err)
	}
	created := regexp.MustCompile(`CREATE USER (\w+)@'%'`).FindAllSubmatch(sql, -1)
	if len(created) != 2 || string(created[0][1]) == string(created[1][1]) {
		t.Fatalf("created the accounts %q, want two different ones:\n%s", created, sql)
	}
	for _, account := range created {
		name := string(account[1])
		if n := strings.Count(string(sql), "DROP USER IF EXISTS "+name+"@'%'"); n != 1 {
			t.Errorf("%s was dropped %d times, want once:\n%s", name, n, sql)
		}
		if want := "MYSQL_USER=" + name + " "; !strings.Contains(o.calls(), want) {
			t.Errorf("no subcommand ran with %s:\n%s", want, o.calls())
		}
		if len(name) > 32 {
			t.Errorf("%s has %d characters, want at most the 32 of MySQL", name, len(name))
		}
	}
}
