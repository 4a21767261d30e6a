package records

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// A dumpReader reads a backup of a version without JSON. It begins with a comment that has the
// number of visits. The rest is from mysqldump: one INSERT in each line, and a comment at the end,
// which shows that the file is complete.
type dumpReader struct {
	in       *bufio.Reader
	visits   *int64
	complete bool
}

var (
	dumpBegin = regexp.MustCompile(`^-- SimpleApp backup of .*: (\d+) visits$`)
	dumpRow   = regexp.MustCompile("^INSERT INTO `submissions` \\(([^)]*)\\) VALUES \\((.*)\\);$")
	dumpValue = regexp.MustCompile(`^(?:'((?:[^'\\]|\\.|'')*)'|([^,']*))(?:,|$)`)
)

func newDumpReader(in *bufio.Reader) (*dumpReader, error) {
	r := &dumpReader{in: in}
	first, err := in.ReadString('\n')
	if err != nil {
		return nil, incomplete(err)
	}
	match := dumpBegin.FindStringSubmatch(strings.TrimSuffix(first, "\n"))
	if match == nil {
		return nil, errors.New("the SQL is not a backup of SimpleApp")
	}
	visits, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("visits: %w", err)
	}
	r.visits = &visits
	return r, nil
}

func (r *dumpReader) next() ([]value, error) {
	for {
		line, err := r.in.ReadString('\n')
		if err == io.EOF && r.complete {
			return nil, io.EOF
		}
		if err == io.EOF {
			return nil, ErrIncomplete
		}
		if err != nil {
			return nil, err
		}
		line = strings.TrimSuffix(line, "\n")
		r.complete = strings.HasPrefix(line, "-- Dump completed")
		if strings.HasPrefix(line, "INSERT ") {
			return dumpValues(line)
		}
	}
}

// dumpValues returns the values of an INSERT statement.
func dumpValues(line string) ([]value, error) {
	row := dumpRow.FindStringSubmatch(line)
	if row == nil {
		return nil, fmt.Errorf("%.60q is not a row of a backup", line)
	}
	var values []value
	rest := row[2]
	for name := range strings.SplitSeq(row[1], ",") {
		match := dumpValue.FindStringSubmatch(rest)
		if match == nil || rest == "" {
			return nil, fmt.Errorf("%.60q is not a row of a backup", line)
		}
		rest = rest[len(match[0]):]
		text := match[2] + unescapes.Replace(match[1])
		values = append(values, value{strings.Trim(name, " `"), text})
	}
	if rest != "" {
		return nil, fmt.Errorf("%.60q is not a row of a backup", line)
	}
	return values, nil
}

// unescapes replaces the escape sequences of mysqldump in a quoted text.
var unescapes = strings.NewReplacer(`\\`, `\`, `\'`, `'`, `''`, `'`, `\"`, `"`,
	`\n`, "\n", `\r`, "\r", `\t`, "\t", `\0`, "\x00", `\Z`, "\x1a")
