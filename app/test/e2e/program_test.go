// Package e2e drives the built program from outside: with a real browser on real MySQL and Redis
// servers, and by killing it.
package e2e

import (
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"simpleapp/test/testserver"
)

var (
	binary string // the built program
	site   string // the address of one that runs on MySQL and Redis, for all tests
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "simpleapp-e2e-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	mysql, err := testserver.StartMySQL()
	if err != nil {
		log.Fatal(err)
	}
	defer mysql.Close()
	redis, err := testserver.StartRedis()
	if err != nil {
		log.Fatal(err)
	}
	defer redis.Close()

	binary = filepath.Join(dir, "simpleapp")
	if output, err := exec.Command("go", "build", "-race", "-o", binary, "simpleapp").CombinedOutput(); err != nil {
		log.Fatalf("build: %v\n%s", err, output)
	}
	app, err := testserver.StartApp(binary,
		"MYSQL_ADDR="+mysql.Addr, "MYSQL_PASSWORD_FILE="+mysql.PasswordFile,
		"REDIS_ADDR="+redis.Addr, "REDIS_PASSWORD_FILE="+redis.PasswordFile)
	if err != nil {
		log.Fatal(err)
	}
	site = "http://" + app.Addr
	code := m.Run()
	if err := app.Stop(); err != nil {
		log.Printf("the program ended with %v", err)
		return 1
	}
	return code
}
