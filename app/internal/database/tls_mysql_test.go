//go:build servers

package database_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"simpleapp/internal/database"
	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// If MySQLConfig.TLS is set, only a server with a certificate of a trusted authority for its name
// is used. If it is nil, nothing is verified.
func TestTLSVerifiesTheServer(t *testing.T) {
	dir := t.TempDir()
	trusted, err := testserver.Certificate(dir, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server := testsite.StartServer(t, func() (*testserver.Server, error) {
		return testserver.StartMySQLWith("--ssl-cert="+filepath.Join(dir, "cert.pem"),
			"--ssl-key="+filepath.Join(dir, "key.pem"))
	})
	_, port, _ := net.SplitHostPort(server.Addr)
	plain := testsite.MySQL()
	for _, test := range []struct {
		name, addr, password string
		tls                  *tls.Config
		works                bool
	}{
		{"the right authority and name", server.Addr, server.Password, trusted, true},
		{"nothing is verified", server.Addr, server.Password, nil, true},
		{"another authority", server.Addr, server.Password,
			&tls.Config{RootCAs: x509.NewCertPool()}, false},
		{"another name", "localhost:" + port, server.Password, trusted, false},
		{"a server without TLS", plain.Addr, plain.Password, trusted, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			db, err := database.OpenMySQL(database.MySQLConfig{
				Addrs: []string{test.addr}, Database: testserver.Database, User: testserver.User,
				Password: func() (string, error) { return test.password, nil }, TLS: test.tls})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.PingContext(t.Context())
			if (err == nil) != test.works {
				t.Errorf("Ping = %v, want it to work: %v", err, test.works)
			}
			if err != nil && !strings.Contains(database.Hint(err), "MYSQL_TLS_CA_FILE") {
				t.Errorf("Hint(%v) = %q, want one about MYSQL_TLS_CA_FILE", err, database.Hint(err))
			}
		})
	}
}
