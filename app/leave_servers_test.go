//go:build servers

package main

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
)

// Visitors close the tab while the database is still at work for them. They have left; nothing has
// failed.
func TestVisitorsWhoLeaveEarlyAreNoError(t *testing.T) {
	const visitors = 100
	p := startReady(t, onServers())
	root := mysqlServer.Root()
	defer root.Close()
	for _, path := range []string{"/results", "/submissions", "/simpleform/success"} {
		if _, err := root.Exec("LOCK TABLES submissions WRITE, tallies WRITE, tally_log WRITE"); err != nil {
			t.Fatal(err)
		}
		var conns []net.Conn
		for range visitors {
			conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
			if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
				t.Fatal(err)
			}
		}
		working := fmt.Sprintf(`simpleapp_connections{state="working"} %d`, visitors)
		eventually(t, "all requests are in the database's hands", func() bool {
			return strings.Contains(get(t, p.admin+"/metrics").body, working+"\n")
		})
		for _, conn := range conns {
			conn.Close()
		}
		left := fmt.Sprintf(`_count{code="499",method="GET",route="GET %s"} %d`, path, visitors)
		eventually(t, "all requests have ended with "+left, func() bool {
			return strings.Contains(get(t, p.admin+"/metrics").body, left+"\n")
		})
		if _, err := root.Exec("UNLOCK TABLES"); err != nil {
			t.Fatal(err)
		}
	}
	if failed := p.logs.find("request failed"); failed != nil {
		t.Errorf("a visitor who left is logged as a failure: %v", failed)
	}
	metrics := get(t, p.admin+"/metrics").body
	if found := regexp.MustCompile(`_count{code="5..".*`).FindString(metrics); found != "" {
		t.Errorf("a visitor who left is measured as a failure: %s", found)
	}
	wantStatus(t, get(t, p.url+"/results"), 200)
}
