// Package https tests the site's certificate with pebble, an authority that speaks ACME as Let's
// Encrypt does, and with several replicas of the built program on one MySQL.
package https

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

const (
	domain = "food.example.test"
	both   = domain + ",www." + domain
)

// orderTime is how long an order may take. If a check of the authority fails, the next attempt
// begins 30 s later.
const orderTime = 2 * time.Minute

var (
	binary   string // the built program
	database *testserver.Server
)

func TestMain(m *testing.M) { testserver.Exit(runTests(m)) }

func runTests(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "simpleapp-https-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if database, err = testserver.StartMySQL(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	binary = filepath.Join(dir, "simpleapp")
	if err := testserver.Build(binary, "-race"); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// environ returns the environment of a replica with a data folder of its own.
func (a *authority) environ(domains string) []string {
	return []string{"DOMAIN=" + domains, "ACME_EMAIL=me@example.com", "HTTPS_ADDR=127.0.0.1:0",
		"ACME_DIRECTORY=" + a.Directory, "ACME_CA_FILE=" + a.CAFile, "DATA_DIR=" + a.TempDir()}
}

// alone lets a program without other replicas listen where the authority asks. The program listens
// before it orders, so the authority always finds it.
func (a *authority) alone() string { return fmt.Sprintf("ADDR=127.0.0.1:%d", a.Port) }

func onMySQL() []string {
	return []string{"MYSQL_ADDR=" + database.Addr, "MYSQL_PASSWORD_FILE=" + database.PasswordFile}
}

func start(t *testing.T, environ ...string) *testserver.App {
	t.Helper()
	return testsite.StartApp(t, binary, environ...)
}

// startThree starts three replicas on MySQL, all at the same moment, behind the name.
func (a *authority) startThree(t *testing.T, domains string) []*testserver.App {
	t.Helper()
	apps := make([]*testserver.App, 3)
	errs := make([]error, len(apps))
	var all sync.WaitGroup
	for i := range apps {
		environ := append(a.environ(domains), onMySQL()...)
		all.Go(func() { apps[i], errs[i] = testserver.StartApp(binary, environ...) })
	}
	all.Wait()
	for _, app := range apps {
		if app != nil {
			testsite.EndWithTest(t, app)
		}
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	balance(t, "127.0.0.1", a.Port).set(apps[0].Addr, apps[1].Addr, apps[2].Addr)
	return apps
}

// served returns the certificate that a replica has for the name, if it is valid.
func (a *authority) served(app *testserver.App, name string) (*x509.Certificate, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 20 * time.Second}, "tcp", app.HTTPSAddr,
		&tls.Config{ServerName: name, RootCAs: a.Roots})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0], nil
}

// awaitServed waits until all replicas serve one certificate, which is not old.
func (a *authority) awaitServed(t *testing.T, old *x509.Certificate, apps ...*testserver.App,
) (certificate *x509.Certificate) {
	t.Helper()
	testsite.Within(t, orderTime, "every replica has the certificate", func() error {
		certificate = nil
		for i, app := range apps {
			c, err := a.served(app, domain)
			if err != nil {
				return err
			}
			if old != nil && c.Equal(old) || certificate != nil && !c.Equal(certificate) {
				return fmt.Errorf("replica %d serves the old certificate, or another one than "+
					"replica 0: %v", i, c.SerialNumber)
			}
			certificate = c
		}
		return nil
	})
	return certificate
}

// status runs `simpleapp certificate`.
func (a *authority) status(environ ...string) (string, error) {
	ctx, cancel := context.WithTimeout(a.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "certificate")
	cmd.Env = environ
	out, err := cmd.CombinedOutput()
	return string(out), err
}
