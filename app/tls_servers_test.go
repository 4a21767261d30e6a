//go:build servers

package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// A MySQL and a Redis of the operator's own may demand TLS. The variables alone make the program
// use it.
func TestStoresBehindTLS(t *testing.T) {
	dir := t.TempDir()
	if _, err := testserver.Certificate(dir, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	certificate, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	mysql := testsite.StartServer(t, func() (*testserver.Server, error) {
		return testserver.StartMySQLWith("--require-secure-transport=ON",
			"--ssl-cert="+certificate, "--ssl-key="+key)
	})
	redis := testsite.StartServer(t, testserver.StartRedis)
	client := redis.RedisClient()
	defer client.Close()
	port := fmt.Sprint(testsite.FreePort(t))
	err := client.Do(t.Context(), "CONFIG", "SET", "tls-cert-file", certificate,
		"tls-key-file", key, "tls-auth-clients", "no", "tls-port", port).Err()
	if err != nil {
		t.Fatal(err)
	}
	p := startReady(t, map[string]string{
		"MYSQL_ADDR": mysql.Addr, "MYSQL_PASSWORD_FILE": mysql.PasswordFile,
		"MYSQL_TLS": "verify", "MYSQL_TLS_CA_FILE": certificate,
		"REDIS_ADDR": "127.0.0.1:" + port, "REDIS_PASSWORD_FILE": redis.PasswordFile,
		"REDIS_TLS": "verify", "REDIS_TLS_CA_FILE": certificate,
	})
	eventually(t, "visits are counted", p.countsVisits)
	wantStored(t, p.url, validForm())
}
