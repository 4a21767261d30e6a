package database_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"simpleapp/internal/database"
)

// The remedy fits the cause: a migration gives no rights, and makes no database.
func TestHintOfMySQL(t *testing.T) {
	for _, test := range []struct {
		name   string
		number uint16
		want   []string
	}{
		{"a database of another name", 1049, []string{"MYSQL_DATABASE"}},
		{"a database of another account", 1044, []string{"MYSQL_DATABASE"}},
		{"an older schema", 1054, []string{"older than this program", "make migrate"}},
		{"a missing table", 1146, []string{"older than this program", "make migrate"}},
		{"a missing right", 1142, []string{"grants.sql", "make forget", "make migrate"}},
	} {
		err := fmt.Errorf("ping: %w", &mysql.MySQLError{Number: test.number})
		got := database.Hint(err)
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: Hint = %q, want %q in it", test.name, got, want)
			}
		}
	}
}
