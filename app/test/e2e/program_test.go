// Package e2e tests the built program from outside: in a browser, on real MySQL and Redis servers,
// and by killing it.
package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"simpleapp/internal/testserver"
)

// The browser tests give the site a name, on the ports that visitors use and on another one.
const (
	host      = testserver.Host
	httpSite  = "http://" + host
	httpsSite = "https://" + host
)

var (
	binary string // the built program
	// portSite is the site on the program's own port. It uses MySQL and Redis.
	portSite string
	// hostRules is the value of Chromium's --host-resolver-rules. It leads the browser to the site.
	hostRules string
)

func TestMain(m *testing.M) { testserver.Exit(runTests(m)) }

func runTests(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "simpleapp-e2e-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	mysql, err := testserver.StartMySQL()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, mysql.Close()) }()
	redis, err := testserver.StartRedis()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()

	binary = filepath.Join(dir, "simpleapp")
	if err := testserver.Build(binary, "-race"); err != nil {
		return 0, err
	}
	app, err := testserver.StartApp(binary,
		"MYSQL_ADDR="+mysql.Addr, "MYSQL_PASSWORD_FILE="+mysql.PasswordFile,
		"REDIS_ADDR="+redis.Addr, "REDIS_PASSWORD_FILE="+redis.PasswordFile)
	if err != nil {
		return 0, err
	}
	proxy := httptest.NewTLSServer(testserver.Proxy(app.Addr))
	defer proxy.Close()
	_, port, _ := net.SplitHostPort(app.Addr)
	portSite = httpSite + ":" + port
	hostRules = fmt.Sprintf("MAP %s:80 %s, MAP %s:443 %s, MAP *.test 127.0.0.1",
		host, app.Addr, host, proxy.Listener.Addr())

	code = m.Run()
	if err := app.Stop(); err != nil {
		return code, fmt.Errorf("the program ended with %w, want exit status 0", err)
	}
	return code, nil
}
