package web

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

// half is the beginning of a form.
const half = "POST /simpleform HTTP/1.1\r\nHost: x\r\n" +
	"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nfirst_name="

func TestSlowFormsHoldFewConnections(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	var slow []net.Conn
	for range 4 {
		slow = append(slow, b.open(half))
		b.wantCount(receiving, min(len(slow), 2))
	}
	b.wantClosed(slow[0])
	b.wantClosed(slow[1])
	for _, conn := range slow[2:] {
		io.WriteString(conn, strings.Repeat("x", 100-len("first_name=")))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("POST /simpleform, sent slowly = %v, %v, want 200", resp, err)
		}
	}
}

// The fields of a header take much more memory than their bytes, and a client may send the
// beginning of a request together with the one before.
func TestHalfHeadersHoldFewConnections(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	var slow []net.Conn
	for i := range 6 {
		before := ""
		if i%2 == 1 {
			before = get
		}
		if i >= 2 { // it stays the one that has been receiving longest
			io.WriteString(slow[i-2], "b:\r\n")
		}
		conn := b.open(before + "GET / HTTP/1.1\r\nHost: x\r\na:\r\n")
		if before != "" {
			b.read(conn)
		}
		slow = append(slow, conn)
		if i >= 2 {
			b.wantClosed(slow[i-2])
		}
		b.wantCount(receiving, min(len(slow), 2))
	}
	for _, conn := range slow[4:] {
		io.WriteString(conn, "\r\n")
		b.read(conn)
	}
	b.wantCount(idle, 2)
}

// Closing a connection does not free the memory of its fields before its goroutine has run. Until
// then, no other request is read in its place. The clients that wait are not slow, so more than
// maxSlow of them may wait. Only if more than max connections are open, the one that has been
// waiting longest is closed.
func TestRequestWaitsForMemory(t *testing.T) {
	b := serveBounded(t, 5, 2, time.Minute)
	release := b.occupy()
	var visitors []net.Conn
	for range 6 {
		visitors = append(visitors, b.open(get))
		b.wantCount(waiting, min(len(visitors), 5))
	}
	b.wantClosed(visitors[0])
	release()
	for _, conn := range visitors[1:] {
		b.read(conn)
	}
	// Every request gives its place back, also one that no handler answers.
	for range 2 * cap(b.connections.admitted) {
		b.read(b.open(get))
		for _, request := range []string{
			"GET / HTTP/1.1\r\n\r\n", // without a Host
			"GET / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n",
			"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		} {
			b.wantClosed(b.open(request))
		}
	}
	// While its body arrives, a form keeps its place, although the server has answered 100.
	form := b.open(strings.Replace(half, "\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1))
	answers := bufio.NewReader(form)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
		t.Fatalf("POST /simpleform with Expect = %q, %v, want 100", line, err)
	}
	testsite.Eventually(t, "only the form is admitted", func() error {
		if n := len(b.connections.admitted); n != 1 {
			return fmt.Errorf("%d requests are admitted", n)
		}
		return nil
	})
}

// http.Server answers some requests itself, and waits for their bodies. While these do not arrive,
// other requests get the places.
func TestRequestWithoutItsBodyHoldsNoPlace(t *testing.T) {
	for _, request := range []string{
		"POST /simpleform HTTP/1.1\r\nHost: x\r\nExpect: x\r\nContent-Length: 9\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
	} {
		b := serveBounded(t, 100, 2, time.Minute)
		for range 2 * cap(b.connections.admitted) {
			b.open(request)
			b.read(b.open(get))
		}
	}
}

func TestRequestWithManyHeaderFieldsIsRefused(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	for n, want := range map[int]int{maxFields: http.StatusOK,
		maxFields + 1: http.StatusRequestHeaderFieldsTooLarge} {
		different := ""
		for i := range n {
			different += fmt.Sprintf("X-%d:\r\n", i)
		}
		for _, fields := range []string{different, strings.Repeat("X:\r\n", n)} {
			conn := b.open("GET / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != want {
				t.Errorf("GET / with %d header fields = %v, %v, want %d", n, resp, err, want)
			}
		}
	}
}

func TestFormTimesOut(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Second)
	resp, err := http.ReadResponse(bufio.NewReader(b.open(half)), nil)
	if err != nil || resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("POST /simpleform without its end = %v, %v, want 408", resp, err)
	}
}

// A form that is too large is refused at once, and not when the rest of it has arrived.
func TestLargeFormIsRefusedAtOnce(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	large := strings.Replace(half, "100", "99999999", 1) + strings.Repeat("x", 20_000)
	resp, err := http.ReadResponse(bufio.NewReader(b.open(large)), nil)
	if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("POST /simpleform of 100 MB = %v, %v, want 413", resp, err)
	}
}

func TestSlowReadersHoldFewConnections(t *testing.T) {
	b := serveBounded(t, 100, 2, time.Minute)
	var slow []net.Conn
	for range 4 {
		slow = append(slow, b.open("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"))
		b.wantCount(sending, min(len(slow), 2))
	}
	b.wantClosed(slow[0])
	b.wantClosed(slow[1])
	b.read(b.open(get))
}
