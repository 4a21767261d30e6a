//go:build unix

package testsite

import (
	"sync"
	"syscall"
	"testing"

	"simpleapp/internal/testserver"
)

// Hang makes a server hang until resume is called or the test ends.
func Hang(t testing.TB, server *testserver.Server) (resume func()) {
	t.Helper()
	return outage(t,
		func() error { return server.Signal(syscall.SIGSTOP) },
		func() error { return server.Signal(syscall.SIGCONT) })
}

// Stop stops a server until restart is called or the test ends.
func Stop(t testing.TB, server *testserver.Server) (restart func()) {
	t.Helper()
	return outage(t, server.Stop, server.Start)
}

// outage calls begin now, and end once: when the function that it returns is called, or at the end
// of the test.
func outage(t testing.TB, begin, end func() error) (endNow func()) {
	t.Helper()
	if err := begin(); err != nil {
		t.Fatal(err)
	}
	endNow = sync.OnceFunc(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(endNow)
	return endNow
}
