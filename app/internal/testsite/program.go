package testsite

import (
	"testing"

	"simpleapp/internal/testserver"
)

// StartApp starts the program binary, and returns once it listens. It ends with the test: see
// EndWithTest.
func StartApp(t testing.TB, binary string, environ ...string) *testserver.App {
	t.Helper()
	app, err := testserver.StartApp(binary, environ...)
	if err != nil {
		t.Fatal(err)
	}
	EndWithTest(t, app)
	return app
}

// FreePort returns a port that is free on every address of this machine. The ports port + offset
// are free, too.
func FreePort(t testing.TB, offsets ...int) int {
	t.Helper()
	port, err := testserver.FreePort(offsets...)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// EndWithTest kills the program at the end of the test, and shows its log if the test has failed.
func EndWithTest(t testing.TB, app *testserver.App) {
	t.Helper()
	t.Cleanup(func() {
		// After SIGTERM it might wait for a stopped server, to count its visits there.
		if err := app.Kill(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of the app at %s:\n%s", app.Addr, app.Log())
		}
	})
}
