//go:build servers

package database_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/database"
	"simpleapp/internal/testsite"
)

// A name that can't be looked up does not keep the program from the other servers.
func TestUnknownServer(t *testing.T) {
	db := testsite.OpenMySQL(t, "nowhere.invalid:3306", testsite.MySQL().Addr)
	defer db.Close()
	if err := db.PingContext(t.Context()); err != nil {
		t.Errorf("Ping = %v, want the server that is known", err)
	}
}

// If only one of several addresses can be looked up, its server may be one that takes no writes.
func TestUnknownServerAndACopy(t *testing.T) {
	db := testsite.OpenMySQL(t, "nowhere.invalid:3306", secondServer(t).Addr)
	defer db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err := db.PingContext(ctx)
	if err == nil || !strings.Contains(database.Hint(err), "no server takes writes") {
		t.Errorf("Ping = %v, want that no server takes writes", err)
	}
}

// The error has the cause of each address, in the order of the addresses. So it is the same for
// every attempt, and the log names it once.
func TestErrorNamesEachAddress(t *testing.T) {
	db := testsite.OpenMySQL(t, "127.0.0.1:1", "nowhere.invalid:3306", "127.0.0.1:2", "127.0.0.1:3")
	defer db.Close()
	want := []string{"127.0.0.1:1:", "nowhere.invalid", "127.0.0.1:2:", "127.0.0.1:3:"}
	address := regexp.MustCompile(`127\.0\.0\.1:[123]:|nowhere\.invalid`)
	for range 20 {
		err := db.PingContext(t.Context())
		if err == nil {
			t.Fatal("Ping = nil, although no server has these addresses")
		}
		if got := address.FindAllString(err.Error(), -1); !slices.Equal(got, want) {
			t.Fatalf("Ping = %v\nIt names %q, want %q", err, got, want)
		}
	}
}
