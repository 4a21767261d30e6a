//go:build servers

package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"simpleapp/internal/testsite"
)

// The app's own account must not delete. An account that may delete removes submissions while the
// site stores and counts others. The tallies must stay exact.
func TestForgetOnMySQL(t *testing.T) {
	if err := mysqlServer.Empty(); err != nil {
		t.Fatal(err)
	}
	root := mysqlServer.Root()
	defer root.Close()
	for _, statement := range []string{
		fmt.Sprintf("CREATE USER 'forgetter'@'%%' IDENTIFIED BY '%s'", mysqlServer.Password),
		"GRANT SELECT, INSERT, UPDATE, DELETE ON simple_db.* TO 'forgetter'@'%'",
	} {
		if _, err := root.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	defer root.Exec("DROP USER 'forgetter'@'%'")
	p := startReady(t, onServers())

	const visitors, each = 8, 10
	references := make(chan string, visitors*each)
	var load, group sync.WaitGroup
	defer load.Wait()
	for range visitors {
		load.Go(func() {
			for range each {
				answer, err := testsite.Submit(testsite.Client, p.url, testsite.Form())
				if err == nil && answer.StatusCode != 303 {
					err = fmt.Errorf("POST /simpleform = %d, want 303", answer.StatusCode)
				}
				if err != nil {
					t.Error(err)
					return
				}
				references <- testsite.Reference(answer)
			}
		})
	}
	go func() { // so that nobody waits for a reference that does not come
		load.Wait()
		close(references)
	}()
	first := <-references
	out, err := call(t, onServers(), "", "forget", first)
	if err == nil || !strings.Contains(err.Error(), "nothing was removed") ||
		!strings.Contains(err.Error(), "denied") {
		t.Errorf("forget with the app's account = %q, %v, want it denied", out, err)
	}
	forgetter := with(onServers(), "MYSQL_USER", "forgetter")
	mustCall(t, forgetter, "", "forget", first)
	for range 20 {
		group.Go(func() {
			if out, err := call(t, forgetter, "", "forget", <-references); err != nil {
				t.Errorf("forget = %q, %v", out, err)
			}
		})
	}
	group.Wait()
	load.Wait()
	testsite.Get(t, p.url+"/results") // folds the log
	testsite.AwaitTallies(t, mysqlServer)
	var rows int
	err = root.QueryRow("SELECT COUNT(*) FROM submissions").Scan(&rows)
	if err != nil || rows != visitors*each-21 {
		t.Errorf("the table has %d submissions, %v, want %d", rows, err, visitors*each-21)
	}
}
