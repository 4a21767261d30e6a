// Package e2e drives the built program from outside: with a real browser on real MySQL and Redis
// servers, and by killing it.
package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"simpleapp/testserver"
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
	program, address, err := startProgram(
		"MYSQL_ADDR="+mysql.Addr, "MYSQL_PASSWORD_FILE="+mysql.PasswordFile,
		"REDIS_ADDR="+redis.Addr, "REDIS_PASSWORD_FILE="+redis.PasswordFile)
	if err != nil {
		log.Fatal(err)
	}
	defer func() {
		program.Process.Signal(os.Interrupt)
		if err := program.Wait(); err != nil {
			log.Printf("the program ended with %v", err)
		}
	}()
	site = address
	return m.Run()
}

// startProgram starts the program on free ports and returns its address once it serves.
func startProgram(environ ...string) (*exec.Cmd, string, error) {
	cmd := exec.Command(binary)
	cmd.Env = append(append(os.Environ(), "ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0"), environ...)
	logs, err := cmd.StderrPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	for lines := bufio.NewScanner(logs); lines.Scan(); {
		var line struct{ Msg, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			go io.Copy(io.Discard, logs)
			return cmd, "http://" + line.Addr, nil
		}
		log.Print(lines.Text())
	}
	return nil, "", fmt.Errorf("the program ended before it served: %w", cmd.Wait())
}
