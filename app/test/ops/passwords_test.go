package ops

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shell runs a line of POSIX shell after ops/passwords.sh, with args as $1, $2 …, and returns its
// output.
func shell(t *testing.T, line string, args ...string) string {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-euc", ". ../../../ops/passwords.sh; " + line, "sh"},
		args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", line, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestPasswordFault(t *testing.T) {
	for _, test := range []struct{ name, secret, password, want string }{
		{"a random one", "mysql_password", "q2Zr-8_Xw9", ""},
		{"every other character", "redis_password", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~é寿", ""},
		{"a colon at the end", "mysql_password", "secret:", ""},
		{"only digits", "mysql_password", "123", ""},
		{"a number sign", "mysql_password", "a#b", ""},
		{"256 bytes", "mysql_password", strings.Repeat("x", 256), ""},
		{"257 bytes for Redis", "redis_password", strings.Repeat("x", 257), ""},
		{"a quote in a volume that has a password", "existing_volume", "it's", ""},

		{"nothing", "redis_password", "", "is empty"},
		{"a space", "mysql_password", "two words", "white space"},
		{"a second line", "existing_volume", "one\ntwo", "white space"},
		{"a control character", "redis_password", "a\x01b", "control character"},
		{"a quote", "mysql_password", "it's", "a quote or a backslash"},
		{"a backslash", "mysql_password", `a\b`, "a quote or a backslash"},
		{"257 bytes", "mysql_password", strings.Repeat("é", 128) + "x",
			"longer than 256 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := shell(t, `password_fault "$1" "$2"`, test.secret, test.password)
			if !strings.Contains(got, test.want) || test.want == "" && got != "" {
				t.Errorf("password_fault %s %q = %q, want %q",
					test.secret, test.password, got, test.want)
			}
		})
	}
}

func TestPasswordFileFault(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{
		"good": "secret", "line": "secret\n", "empty": "", "nul": "a\x00b", "quote": "it's",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"good": "", "line": "", "empty": "is empty", "nul": "control character",
		"quote": "a quote or a backslash", "missing": "is missing: mount the secret",
	} {
		got := shell(t, `password_file_fault mysql_password "$1"`, filepath.Join(folder, name))
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("password_file_fault of %s = %q, want %q", name, got, want)
		}
	}
}
