package ops

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An interrupted backup leaves no incomplete file, and does not change the file of an earlier
// backup.
func TestInterruptedBackupLeavesNoFile(t *testing.T) {
	o := newOperator(t, manager+oneContainer+`
  "exec --interactive container1 /simpleapp export --format json --visits")
    echo '{"visits": 7, "submissions": [' ; exit 1 ;;
`)
	file := o.file("site.json.gz")
	const earlier = "the backup of yesterday"
	if err := os.WriteFile(file, []byte(earlier), 0o600); err != nil {
		t.Fatal(err)
	}
	out, status := o.run("backup", "FILE="+file)
	if want := "nothing was written"; status != 1 || !strings.Contains(out, want) {
		t.Errorf("backup = %d, want 1 and %q:\n%s", status, want, out)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != earlier {
		t.Errorf("the earlier backup = %q, %v, want %q", content, err, earlier)
	}
	if _, err := os.Stat(file + ".partial"); !os.IsNotExist(err) {
		t.Errorf("stat of the incomplete backup = %v, want that it does not exist", err)
	}
}

// A file that can't be read back is no backup, and neither is one without its end. Docker may take
// an export that was killed for one that succeeded.
func TestBackupReadsItsFile(t *testing.T) {
	const half = `'{"visits": 7, "submissions": [\n{"id": 1},\n{"id"'`
	for name, test := range map[string]struct{ exported, gzip string }{
		"half of the compressed file": {`'{"visits": 7, "submissions": [\n]}\n'`,
			"gzip | head -c 20"},
		"half of the export": {half, "gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperator(t, manager+oneContainer+`
  "exec --interactive container1 /simpleapp export --format json --visits")
    printf `+test.exported+` ;;
`)
			o.install("gzip", `PATH=${PATH#*:}
if [ $# -gt 0 ]; then exec gzip "$@"; fi # zcat
`+test.gzip)
			file := o.file("site.json.gz")
			out, status := o.run("backup", "FILE="+file)
			const want = "nothing was written: the backup is incomplete or can't be read"
			if _, err := os.Stat(file); status != 1 || !strings.Contains(out, want) ||
				!os.IsNotExist(err) {
				t.Errorf("backup = %d, %v, want 1, %q and no file:\n%s", status, err, want, out)
			}
		})
	}
}

// backup and restore call subcommands of the program, pass their variables on as flags, and exit as
// the program did.
func TestBackupAndRestoreCallTheProgram(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "site.json")
	if err := os.WriteFile(plain, []byte(`[{"id": 2}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	const exported = `{"visits": 7, "submissions": [\n{"id": 1}\n]}`
	o := newOperator(t, manager+oneContainer+"  exec*export*) printf '"+exported+"' ;;")
	file := o.file("site.json.gz")
	out, status := o.run("backup", "FILE="+file)
	if want := "has 1 submissions and 7 visits"; status != 0 || !strings.Contains(out, want) {
		t.Errorf("backup = %d, want 0 and %q:\n%s", status, want, out)
	}
	compressed, errors, status := o.runSeparately("backup", "FILE=-")
	zipped, err := gzip.NewReader(strings.NewReader(compressed))
	if status != 0 || err != nil {
		t.Fatalf("backup FILE=- = %d, want gzip on standard output: %v\n%s", status, err, errors)
	}
	content, err := io.ReadAll(zipped)
	if want := strings.ReplaceAll(exported, `\n`, "\n"); err != nil || string(content) != want {
		t.Errorf("backup FILE=- wrote %q, %v, want %q", content, err, want)
	}
	for _, test := range []struct {
		name, docker string
		variables    []string
		wantCall     string
		wantStatus   int
		wantOut      string
	}{
		{"visits", "echo imported 7 visits", []string{"ONLY=visits"},
			"/simpleapp import --only visits\n", 0, "restore: imported 7 visits"},
		{"merge", "cat", []string{"MERGE=yes", "ONLY=submissions"},
			"/simpleapp import --merge --only submissions\n", 0, `{"id": 1}`},
		{"no merge", "cat", []string{"MERGE=no"}, "/simpleapp import\n", 0, `{"id": 1}`},
		{"not compressed", "cat", []string{"FILE=" + plain}, "/simpleapp import\n", 0, `{"id": 2}`},
		{"error", "echo nothing was imported: add to them with --merge >&2; exit 1", nil,
			"/simpleapp import\n", 1, "nothing was imported: add to them with MERGE=yes"},
		{"too many visits", "echo leave them out with --only submissions >&2; exit 1", nil,
			"/simpleapp import\n", 1, "leave them out with ONLY=submissions"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, manager+oneContainer+"  exec*import*) "+test.docker+" ;;")
			out, status := o.run("restore", append([]string{"FILE=" + file}, test.variables...)...)
			if status != test.wantStatus || !strings.Contains(out, test.wantOut) ||
				!strings.Contains(o.calls(), test.wantCall) {
				t.Errorf("restore %v = %d, want %d, %q and the call %q:\n%s%s", test.variables,
					status, test.wantStatus, test.wantOut, test.wantCall, out, o.calls())
			}
		})
	}
}

// A backup survives a power loss: the file is on the disk before it gets its name, and its name is
// on the disk before the command says that there is a backup.
func TestBackupIsOnTheDisk(t *testing.T) {
	o := newOperator(t, manager+oneContainer+"  exec*export*) echo '[]}' ;;")
	file := o.file("site.json.gz")
	o.install("sync", `for path; do
  echo "sync $path $([ -e '`+file+`' ] && echo renamed)" >>'`+o.file("calls")+`'
done
[ ! -e "$0.fails" ]`)
	out, status := o.run("backup", "FILE="+file)
	want := "sync " + file + ".partial \nsync " + o.dir + " renamed\n"
	if status != 0 || !strings.HasSuffix(o.calls(), want) {
		t.Errorf("backup = %d, want 0 and %q:\n%s%s", status, want, out, o.calls())
	}
	o.install("sync.fails", "")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	out, status = o.run("backup", "FILE="+file)
	if _, err := os.Stat(file); status != 1 || !os.IsNotExist(err) {
		t.Errorf("backup on a disk that fails = %d, %v, want 1 and no file:\n%s", status, err, out)
	}
}
