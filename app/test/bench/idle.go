package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
)

// idleConnections is how many visitors do not close their connection after their first page.
const idleConnections = 5000

// idle measures the memory of a program that has had many idle connections. The program keeps 3,072
// of them, and closes the others: see maxConnections in the package web.
func (b *bench) idle(int) error {
	app, err := b.app(b.servers...)
	if err != nil {
		return err
	}
	for range idleConnections {
		conn, err := net.Dial("tcp", app.addr)
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: simpleapp.test\r\n\r\n")
		if err != nil {
			return err
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("GET / = %s, want 200", answer.Status)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return err
		}
	}
	memory, err := peakMemory(app.pid)
	b.report.add("peak resident memory after 5,000 visitors have left their connections open",
		"≤ 96 MB", "%.0f MB", memory)
	return err
}
