package ops

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The checkout may be newer than the image that migrates. Its grants then name tables that the
// schema does not have yet, and MySQL would refuse them (ERROR 1146).
func TestMigrationGrantsOnTablesThatExist(t *testing.T) {
	grants, err := os.ReadFile("../../../mysql_db/grants.sql")
	if err != nil {
		t.Fatal(err)
	}
	statement := regexp.MustCompile(`^GRANT [A-Z, ]+ ON simple_db\.(\w+) TO 'simpleapp'@'%';$`)
	granted := map[string][]string{} // by table
	var tables []string
	for line := range strings.Lines(string(grants)) {
		line = strings.TrimSpace(line)
		if match := statement.FindStringSubmatch(line); match != nil {
			granted[match[1]] = append(granted[match[1]], line)
			tables = append(tables, match[1])
		} else if !strings.HasPrefix(line, "--") {
			t.Errorf("grants.sql has the line %q, want one grant on one table", line)
		}
	}
	for _, missing := range []string{"", tables[len(tables)-1]} {
		present := slices.DeleteFunc(slices.Clone(tables), func(name string) bool {
			return name == missing
		})
		o := newOperator(t, `
case "$*" in
  "exec --interactive container1 "*)
    sql=$(cat)
    case $sql in
      *information_schema.tables*) printf '%s\n' TABLE_NAME goose_db_version `+
			strings.Join(present, " ")+` ;;
      *) printf '%s\n' "$sql" >>"$0.sql" ;;
    esac
    exit ;;
esac
`+tasks(`"running new" "running new" "running new"`, "0")+deployment)
		o.wantDeployed([]string{"VERSION=1.0"}, nil)
		content, err := os.ReadFile(o.file("docker.sql"))
		if err != nil {
			t.Fatal(err)
		}
		for table, statements := range granted {
			for _, line := range statements {
				if got := strings.Contains(string(content), line+"\n"); got != (table != missing) {
					t.Errorf("without the table %q, granted = %t: %s", missing, got, line)
				}
			}
		}
	}
}

// A migration fails if the grants can't be read, or name no table of the schema: the app could
// lack rights.
func TestMigrationNeedsGrants(t *testing.T) {
	script, err := os.ReadFile("../../../mysql_db/administer")
	if err != nil {
		t.Fatal(err)
	}
	const grant = "GRANT SELECT ON simple_db.submissions TO 'simpleapp'@'%';\n"
	for _, test := range []struct {
		name, grants, tables string
		ok                   bool
	}{
		{"all is there", grant, "TABLE_NAME goose_db_version submissions", true},
		{"no file of grants", "", "TABLE_NAME goose_db_version submissions", false},
		{"no grant for any table", grant, "TABLE_NAME goose_db_version", false},
		{"no table", grant, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, `
case "$*" in
  "exec --interactive container1 "*)
    case $(tee -a "$0.sql") in
      *information_schema.tables*) for table in `+test.tables+`; do echo $table; done ;;
    esac ;;
`)
			if err := os.WriteFile(o.file("administer"), script, 0o755); err != nil {
				t.Fatal(err)
			}
			if test.grants != "" {
				err := os.WriteFile(o.file("grants.sql"), []byte(test.grants), 0o600)
				if err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(o.file("administer"), "container1", "image", "migrate")
			cmd.Env = []string{"PATH=" + o.dir + ":" + os.Getenv("PATH")}
			out, err := cmd.CombinedOutput()
			sql, readErr := os.ReadFile(o.file("docker.sql"))
			if (err == nil) != test.ok || readErr != nil ||
				strings.Contains(string(sql), grant) != test.ok {
				t.Errorf("administer migrate = %v, want success %t:\n%s%s", err, test.ok, out, sql)
			}
		})
	}
}
