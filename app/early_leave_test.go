package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// Visitors close the connection, or lose it, before their form has arrived. The form is not
// damaged, so it is measured with 499 and not with 400. Nothing is stored.
func TestEarlyLeaveWhileAFormArrives(t *testing.T) {
	const head = "POST /simpleform HTTP/1.1\r\nHost: x\r\n" +
		"Content-Type: application/x-www-form-urlencoded\r\n"
	body := validForm().Encode()
	p := startReady(t, embedded(t))
	left := 0
	for _, part := range []string{
		head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)),
		head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body[:len(body)-1]),
		head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(body), body),
	} {
		for _, reset := range []bool{false, true} {
			conn := p.dial()
			if _, err := io.WriteString(conn, part); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the program receives the form",
				p.measures(`simpleapp_connections{state="receiving"} 1`))
			if reset {
				conn.SetLinger(0)
			}
			conn.Close()
			left++
			eventually(t, "the request has ended", p.measures(fmt.Sprintf(
				`_count{code="499",method="POST",route="POST /simpleform"} %d`, left)))
		}
	}
	if strings.Contains(get(t, p.admin+"/metrics").Body, `code="400"`) {
		t.Error("a visitor who left is measured with code 400, too")
	}
	if failed := p.logs.find("request failed"); failed != nil {
		t.Errorf("a visitor who left is logged as a failure: %v", failed)
	}
	if page := get(t, p.url+"/submissions"); strings.Contains(page.Body, "Lovelace") {
		t.Errorf("GET /submissions shows a submission, want none:\n%s", page.Body)
	}
}
