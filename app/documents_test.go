package main

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// readDocument returns the content of a file of the repository.
func readDocument(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile("../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// docs/configuration.md has a row for each variable of config, and the default in it.
func TestConfigIsDocumented(t *testing.T) {
	_, table, _ := strings.Cut(readDocument(t, "docs/configuration.md"), "| --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := make(map[string]string) // the defaults by variable
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		rows[strings.Trim(cells[1], " `")] = strings.TrimSpace(cells[2])
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[config]()) {
		name := field.Tag.Get("env")
		if name == "" {
			continue
		}
		got, found := rows[name]
		if !found {
			t.Errorf("the table has no row of %s", name)
			continue
		}
		delete(rows, name)
		want, has := field.Tag.Lookup("envDefault")
		if has && got != "`"+want+"`" || !has && strings.Contains(got, "`") {
			t.Errorf("the table has the default %s of %s, want %q", got, name, want)
		}
	}
	if len(rows) > 0 {
		t.Errorf("the table has rows of variables that config lacks: %v", rows)
	}
}

// docs/configuration.md has a row for each command.
func TestCommandsAreDocumented(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `simpleapp ?([a-z]*)").
		FindAllStringSubmatch(readDocument(t, "docs/configuration.md"), -1)
	var got []string
	for _, row := range rows {
		got = append(got, row[1])
	}
	slices.Sort(got)
	if want := slices.Sorted(maps.Keys(commands)); !slices.Equal(got, want) {
		t.Errorf("the table has the commands %q, want %q", got, want)
	}
}

// docs/configuration.md names the rights that the images give, that the hints of the program name,
// and that the tests use.
func TestRightsAreTheSameEverywhere(t *testing.T) {
	document := readDocument(t, "docs/configuration.md")
	for pattern, files := range map[string][]string{
		`~visits.*`:    {"redis_db/bin/cache-entrypoint", "app/internal/visits/redis.go"},
		`GRANT .*DROP`: {"mysql_db/administer", "app/internal/testsite/mysql_servers.go"},
	} {
		rights := regexp.MustCompile(pattern).FindString(document)
		for _, file := range files {
			if rights == "" || !strings.Contains(readDocument(t, file), rights) {
				t.Errorf("%s lacks the rights %q of docs/configuration.md", file, rights)
			}
		}
	}
}
