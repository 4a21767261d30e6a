//go:build servers

package main

import (
	"fmt"
	"net"
	"regexp"
	"testing"
)

// Visitors close the connection while the database works for them. This is not a failure, so it
// must not be logged or measured as one.
func TestEarlyLeaveIsNoFailure(t *testing.T) {
	const visitors = 20 // more than there are connections to MySQL
	p := startReady(t, onServers())
	root := mysqlServer.Root()
	defer root.Close()
	for _, path := range []string{"/results", "/submissions", "/simpleform/success"} {
		_, err := root.Exec("LOCK TABLES submissions WRITE, tallies WRITE, tally_log WRITE")
		if err != nil {
			t.Fatal(err)
		}
		var conns []net.Conn
		for range visitors {
			conn := p.dial()
			conns = append(conns, conn)
			if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
				t.Fatal(err)
			}
		}
		working := fmt.Sprintf(`simpleapp_connections{state="working"} %d`, visitors)
		eventually(t, "all requests wait for the database", p.measures(working))
		for _, conn := range conns {
			conn.Close()
		}
		left := fmt.Sprintf(`_count{code="499",method="GET",route="GET %s"} %d`, path, visitors)
		eventually(t, "all requests have ended", p.measures(left))
		if _, err := root.Exec("UNLOCK TABLES"); err != nil {
			t.Fatal(err)
		}
	}
	if failed := p.logs.find("request failed"); failed != nil {
		t.Errorf("a visitor who left is logged as a failure: %v", failed)
	}
	metrics := get(t, p.admin+"/metrics").Body
	if found := regexp.MustCompile(`_count{code="5..".*`).FindString(metrics); found != "" {
		t.Errorf("a visitor who left is measured as a failure: %s", found)
	}
	wantStatus(t, get(t, p.url+"/results"), 200)
}
