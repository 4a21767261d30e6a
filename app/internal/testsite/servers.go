package testsite

import (
	"fmt"
	"testing"
	"time"

	"simpleapp/internal/testserver"
)

// StartServer starts a server, such as with testserver.StartMySQL, and closes it when the test
// ends.
func StartServer(t testing.TB, start func() (*testserver.Server, error)) *testserver.Server {
	t.Helper()
	server, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// AwaitTallies waits until the tallies of the app's database equal the sums of its submissions. The
// app may be folding the log.
func AwaitTallies(t testing.TB, server *testserver.Server) {
	t.Helper()
	Within(t, time.Minute, "the tallies equal the sums of the rows", func() error {
		wrong, err := server.Miscounted(testserver.Database)
		if err == nil && wrong != nil {
			err = fmt.Errorf("%s", wrong)
		}
		return err
	})
}
