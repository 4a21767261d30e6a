package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"simpleapp/internal/testserver"
)

// A connection sends the headers of a browser over plain http, and sends each request exactly once.
// (http.Client and browsers silently repeat some requests.)
type connection struct {
	address string
	timeout time.Duration
	keep    bool   // use the connection again, unless the server closes it
	used    bool   // the last request was not the first one on its connection
	policy  string // the Referrer-Policy of the last page
	conn    *net.TCPConn
	reader  *bufio.Reader
}

type answer struct {
	status   int
	location string
	body     string
}

func (c *connection) do(method, path, body string) (answer, error) {
	if c.conn != nil && c.closed() {
		c.close()
	}
	if c.used = c.conn != nil; !c.used {
		conn, err := net.DialTimeout("tcp", c.address, c.timeout/2)
		if err != nil {
			return answer{}, err
		}
		c.conn, c.reader = conn.(*net.TCPConn), bufio.NewReader(conn)
	}
	a, keep, err := c.exchange(method, path, body)
	if err != nil || !keep {
		c.close()
	}
	return a, err
}

func (c *connection) exchange(method, path, body string) (a answer, keep bool, err error) {
	req, err := http.NewRequest(method, "http://"+c.address+path, strings.NewReader(body))
	if err != nil {
		return a, false, err
	}
	testserver.AsBrowser(req, c.policy)
	req.Header.Set("Accept-Encoding", "gzip, deflate")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Close = !c.keep
	if err := c.conn.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return a, false, err
	}
	if err := req.Write(c.conn); err != nil {
		return a, false, fmt.Errorf("send: %w", err)
	}
	resp, err := http.ReadResponse(c.reader, req)
	if err != nil {
		return a, false, fmt.Errorf("receive: %w", err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return a, false, fmt.Errorf("receive the body: %w", err)
	}
	c.policy = resp.Header.Get("Referrer-Policy")
	a = answer{resp.StatusCode, resp.Header.Get("Location"), string(content)}
	return a, c.keep && !resp.Close, nil
}

// closed tells whether the server has closed an idle connection. No client sends a request on such
// a connection.
func (c *connection) closed() (closed bool) {
	raw, err := c.conn.SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Control(func(fd uintptr) {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1),
			syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		closed = n <= 0 && err != syscall.EAGAIN
	})
	return closed || err != nil
}

func (c *connection) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// cause names an error without the parts that differ each time, so that errors of one kind are
// counted together.
func (c *connection) cause(err error) string {
	step, _, _ := strings.Cut(err.Error(), ":")
	if c.used {
		step = "on a kept connection: " + step
	}
	for _, known := range []error{
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE,
		io.ErrUnexpectedEOF, io.EOF, os.ErrDeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return step + ": " + known.Error()
		}
	}
	return step + ": " + err.Error()
}
