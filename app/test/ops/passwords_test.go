package ops

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shell runs a line of shell after ops/passwords.sh, with args as $1, $2 …, and returns its output.
// It does so in sh, which cache uses, and in bash, which db and swarm-init use.
func shell(t *testing.T, line string, args ...string) (output string) {
	t.Helper()
	for _, name := range []string{"sh", "bash"} {
		cmd := exec.Command(name, append([]string{"-euc", ". ../../../ops/passwords.sh; " + line,
			name}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %s %q: %v\n%s", name, line, args, err, out)
		}
		if name != "sh" && string(out) != output {
			t.Errorf("%s %q = %q in %s, want %q as in sh", line, args, out, name, output)
		}
		output = string(out)
	}
	return strings.TrimSpace(output)
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
		{"the line end of Windows", "redis_password", "password\r", "white space"},
		{"a second line", "existing_volume", "one\ntwo", "white space"},
		{"a control character", "redis_password", "a\x01b", "control character"},
		{"a quote", "mysql_password", "it's", "a quote or a backslash"},
		{"a double quote", "mysql_password", `say-"yes"`, "a quote or a backslash"},
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
		"windows": "password\r\n", "utf16": "\xff\xfep\x00w\x00",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"good": "", "line": "", "empty": "is empty", "nul": "control character",
		"windows": "white space", "utf16": "control character",
		"quote": "a quote or a backslash", "missing": "is missing: mount the secret",
	} {
		got := shell(t, `password_file_fault mysql_password "$1"`, filepath.Join(folder, name))
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("password_file_fault of %s = %q, want %q", name, got, want)
		}
	}
}
