package ops

import (
	"strings"
	"testing"
)

// make deploy changes nothing if the site is no longer as it was when the command began: it would
// undo what another command has done since.
func TestDeployRefusesSiteThatChanged(t *testing.T) {
	o := newOperator(t, manager+`
  "service inspect --format {{json .Spec}} mystack_app")
    if [ -e "$0.read" ]; then echo '{"secret": 2}'; else echo '{"secret": 1}'; fi
    touch "$0.read" ;;
`+deployment)
	out, status := o.run("deploy")
	const want = "deploy: another command changed the site meanwhile: repeat this"
	if status != 1 || !strings.Contains(out, want) ||
		strings.Contains(o.calls(), "stack deploy -c") {
		t.Errorf("deploy = %d, want 1, %q and no docker stack deploy:\n%s%s",
			status, want, out, o.calls())
	}
}

// A replica that is missing may have either password once it is back.
func TestRotateSecretSaysWhichPasswordsAreAccepted(t *testing.T) {
	o := newOperator(t, tasks(`"running new" "pending new" "running new"`, "0"))
	out, status := o.run("rotate-secret", "NAME=mysql_password")
	const want = "not every replica has the new password; the old and the new one are both accepted"
	_, after, updated := strings.Cut(o.calls(), "service update ")
	if status != 1 || !strings.Contains(out, want) || !updated ||
		strings.Contains(after, "finish") {
		t.Errorf("rotate-secret = %d, want 1, %q and that the old password is not refused:\n%s%s",
			status, want, out, o.calls())
	}
}

// make rotate-secret ends the old password only if the app no longer has it. Another command may
// have given the app the old password again, or made a newer one.
func TestRotateSecretKeepsPasswordInUse(t *testing.T) {
	for _, test := range []struct {
		name, app, versions string // the app's version of the secret afterwards, and all versions
		status              int
	}{
		{"alone", "3", "2 3", 0},
		{"the old secret again", "2", "2 3", 1},
		{"two rotations", "3", "2 3 4", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, `
app=2 versions=2
if [ -e "$0.updated" ]; then app=`+test.app+` versions="`+test.versions+`"; fi
case "$*" in
  "service update"*) touch "$0.updated"; exit ;;
  "service inspect --format {{range "*Secrets*mystack_app)
    echo "mysql_password mystack_mysql_password_v$app"; exit ;;
  "secret ls --format {{.Name}}") printf 'mystack_mysql_password_v%s\n' $versions; exit ;;
esac
`+tasks(`"running new" "running new" "running new"`, "0"))
			out, status := o.run("rotate-secret", "NAME=mysql_password")
			_, after, updated := strings.Cut(o.calls(), "service update ")
			finished := strings.Contains(after, "db-rotate-password finish\n")
			removed := strings.Contains(after, "secret rm mystack_mysql_password_v2\n")
			if status != test.status || !updated || finished != (status == 0) ||
				removed != (status == 0) || status == 1 && !strings.Contains(out, "repeat this") {
				t.Errorf("rotate-secret = %d, want %d; finished %t, removed %t:\n%s%s",
					status, test.status, finished, removed, out, o.calls())
			}
		})
	}
}
