//go:build servers

package visits_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
	"simpleapp/internal/visits"
)

// With TLS, only a server with a certificate of a trusted authority for its name is used. A user
// other than the default one can log in.
func TestTLSVerifiesTheServer(t *testing.T) {
	dir := t.TempDir()
	trusted, err := testserver.Certificate(dir, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(testsite.FreePort(t))
	addr := "127.0.0.1:" + port
	client := redisServer.RedisClient()
	defer client.Close()
	do := func(args ...any) {
		t.Helper()
		if err := client.Do(t.Context(), args...).Err(); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
	}
	do("CONFIG", "SET", "tls-cert-file", filepath.Join(dir, "cert.pem"),
		"tls-key-file", filepath.Join(dir, "key.pem"), "tls-auth-clients", "no", "tls-port", port)
	defer do("CONFIG", "SET", "tls-port", "0")
	do("ACL", "SETUSER", "counter", "on", ">its-password", "~visits*", "+@all")

	for _, test := range []struct {
		name, addr, user, password string
		tls                        *tls.Config
		works                      bool
	}{
		{"the right authority and name", addr, "", redisServer.Password, trusted, true},
		{"a user with a name", addr, "counter", "its-password", trusted, true},
		{"another authority", addr, "", redisServer.Password,
			&tls.Config{RootCAs: x509.NewCertPool()}, false},
		{"another name", "localhost:" + port, "", redisServer.Password, trusted, false},
		{"a server without TLS", redisServer.Addr, "", redisServer.Password, trusted, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := visits.OpenRedis(visits.RedisConfig{Addr: test.addr, User: test.user,
				Password: func() (string, error) { return test.password, nil }, TLS: test.tls},
				testsite.Quiet, unobserved)
			closeAtEnd(t, c)
			err := c.Ping(t.Context())
			if (err == nil) != test.works {
				t.Errorf("Ping = %v, want it to work: %v", err, test.works)
			}
			// A Redis without TLS takes the handshake for an unfinished command, and does not
			// answer. So Ping times out, and Hint can't know the cause.
			if err != nil && test.addr != redisServer.Addr &&
				!strings.Contains(visits.Hint(err), "REDIS_TLS_CA_FILE") {
				t.Errorf("Hint(%v) = %q, want one about REDIS_TLS_CA_FILE", err, visits.Hint(err))
			}
		})
	}
}
