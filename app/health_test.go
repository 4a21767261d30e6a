package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"testing"
	"time"
)

// failToRead connects to a listener. Then the server resets the connection, or it does not answer.
// failToRead returns the error of the client, which contains the port of the client.
func failToRead(t *testing.T, listener net.Listener, reset bool) error {
	t.Helper()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if reset {
		server.(*net.TCPConn).SetLinger(0)
		server.Close()
	} else {
		conn.SetReadDeadline(time.Now())
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

// The errors of two connections have the same cause, although their ports differ.
func TestCauseOf(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	causes := make(map[string]bool)
	for _, reset := range []bool{true, false} {
		first, second := failToRead(t, listener, reset), failToRead(t, listener, reset)
		if first.Error() == second.Error() {
			t.Fatalf("both errors are %q, want different ports", first)
		}
		if causeOf(first) != causeOf(second) {
			t.Errorf("causeOf(%q) = %q, and causeOf(%q) = %q, want the same",
				first, causeOf(first), second, causeOf(second))
		}
		causes[causeOf(first)] = true
	}
	if len(causes) != 2 {
		t.Errorf("the causes of a reset and a timeout are %v, want them to differ", causes)
	}
}

// The error of an expired certificate tells the time. Its cause stays the same.
func TestCauseOfAnExpiredCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	connect := func(after time.Duration) error {
		_, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{
			RootCAs: roots,
			Time:    func() time.Time { return server.Certificate().NotAfter.Add(after) },
		})
		return err
	}
	first, second := connect(time.Second), connect(2*time.Second)
	if first == nil || second == nil || first.Error() == second.Error() {
		t.Fatalf("the errors are %v and %v, want two that tell the time", first, second)
	}
	if causeOf(first) != causeOf(second) {
		t.Errorf("causeOf = %q and %q, want the same", causeOf(first), causeOf(second))
	}
}
