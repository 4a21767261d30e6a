//go:build servers

package main

import (
	"errors"
	"testing"

	"simpleapp/internal/testserver"
)

// The tests of this package share these servers. A test that stops a server starts it again.
var mysqlServer, redisServer *testserver.Server

func TestMain(m *testing.M) { testserver.Exit(runTests(m)) }

func runTests(m *testing.M) (code int, err error) {
	if mysqlServer, err = testserver.StartMySQL(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, mysqlServer.Close()) }()
	if redisServer, err = testserver.StartRedis(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, redisServer.Close()) }()
	return m.Run(), nil
}

// onServers returns an environment in which the program uses MySQL and Redis.
func onServers() map[string]string {
	return map[string]string{
		"MYSQL_ADDR": mysqlServer.Addr, "MYSQL_PASSWORD_FILE": mysqlServer.PasswordFile,
		"REDIS_ADDR": redisServer.Addr, "REDIS_PASSWORD_FILE": redisServer.PasswordFile,
	}
}

func init() {
	setups = append(setups, setup{"MySQL and Redis", func(t *testing.T) map[string]string {
		if err := mysqlServer.Empty(); err != nil {
			t.Fatal(err)
		}
		return onServers()
	}})
}
