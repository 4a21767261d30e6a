package ops

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// inDB runs a script of db's image with a db-admin that records the statements it gets. It returns
// these statements, the output and whether the script succeeded. password is what the file of the
// container's secret has; without one the file is missing.
func inDB(t *testing.T, password, input, script string, args ...string) (
	statements, output string, ok bool) {
	t.Helper()
	o := newOperator(t, `case "$*" in`)
	o.install("db-admin", `case "$*" in
  *--skip-column-names*) cat >/dev/null; echo 0 ;;
  *) cat >>"$0.sql" ;;
esac`)
	bin, err := filepath.Abs("../../../mysql_db/bin")
	if err != nil {
		t.Fatal(err)
	}
	if password != "" {
		if err := os.WriteFile(o.file("password"), []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(bin, script), args...)
	cmd.Env = []string{"PATH=" + o.dir + ":" + bin + ":" + os.Getenv("PATH"),
		"MYSQL_USER=simpleapp", "MYSQL_DATABASE=simple_db",
		"MYSQL_PASSWORD_FILE=" + o.file("password")}
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	sql, readErr := os.ReadFile(o.file("db-admin.sql"))
	if readErr != nil && !os.IsNotExist(readErr) {
		t.Fatal(readErr)
	}
	return string(sql), string(out), err == nil
}

// The account of the health check has its password from its first moment: one without a password
// would let every process of the container in.
func TestRotationMakesNoAccountWithoutPassword(t *testing.T) {
	sql, out, ok := inDB(t, "pre'sent", "new\n", "db-rotate-password", "accept")
	const inside = `'simpleapp'@'127.0.0.1'`
	for _, want := range []string{
		"CREATE USER IF NOT EXISTS " + inside + ` IDENTIFIED BY 'pre\'sent';` + "\n",
		"ALTER USER " + inside + ` IDENTIFIED BY 'pre\'sent';` + "\n",
		"GRANT SELECT ON `simple_db`.submissions TO " + inside + ";\n",
		"ALTER USER 'simpleapp'@'%' IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD;\n",
	} {
		if !ok || !strings.Contains(sql, want) {
			t.Errorf("db-rotate-password accept = %t without %s%s%s", ok, want, sql, out)
		}
	}
}

func TestSetPasswordLeavesOnePassword(t *testing.T) {
	sql, out, ok := inDB(t, "present", "", "db-set-password")
	const want = "ALTER USER 'simpleapp'@'%' IDENTIFIED BY 'present';\n" +
		"ALTER USER 'simpleapp'@'%' DISCARD OLD PASSWORD;\n" +
		"DROP USER IF EXISTS 'simpleapp'@'127.0.0.1';\n"
	if !ok || sql != want || strings.Contains(out, "present'") {
		t.Errorf("db-set-password = %t, want true and\n%sgot\n%s%s", ok, want, sql, out)
	}
}

// Without the secret, no statement with an empty password is made.
func TestPasswordIsReadBeforeAccountsChange(t *testing.T) {
	for _, command := range [][]string{{"db-rotate-password", "accept"}, {"db-set-password"}} {
		sql, out, ok := inDB(t, "", "new\n", command[0], command[1:]...)
		if ok || sql != "" || !strings.Contains(out, "No such file") {
			t.Errorf("%s without the secret = %t, want a failure and no statement:\n%s%s",
				command, ok, sql, out)
		}
	}
}
