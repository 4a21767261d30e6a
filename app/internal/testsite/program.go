package testsite

import (
	"testing"

	"simpleapp/internal/testserver"
)

// StartApp starts the program binary and returns once it listens. The end of the test kills it, and
// shows its log if the test has failed.
func StartApp(t testing.TB, binary string, environ ...string) *testserver.App {
	t.Helper()
	app, err := testserver.StartApp(binary, environ...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// After SIGTERM it might wait for a stopped server, to count its visits there.
		if err := app.Kill(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of the app at %s:\n%s", app.Addr, app.Log())
		}
	})
	return app
}
