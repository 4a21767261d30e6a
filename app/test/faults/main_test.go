// Package faults shows that what the program promises holds while its servers die, hang and lose
// answers: the real binary, real servers, and a proxy between them that fails at random.
//
// What is random follows from FAULTS_SEED, which each run prints.
package faults

import (
	"errors"
	"fmt"
	"hash/fnv"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"simpleapp/internal/testserver"
)

var (
	seed     uint64
	binary   string // the program, as `make build` builds it
	database *testserver.Server
	cache    *testserver.Server
)

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	seed = uint64(time.Now().UnixNano())
	if s := os.Getenv("FAULTS_SEED"); s != "" {
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			return 0, fmt.Errorf("FAULTS_SEED: %w", err)
		}
	}
	fmt.Printf("FAULTS_SEED=%d\n", seed)
	dir, err := os.MkdirTemp("", "simpleapp-faults-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary = filepath.Join(dir, "simpleapp")
	build := exec.Command("go", "build", "-C", "../..", "-trimpath", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build: %w: %s", err, output)
	}
	if database, err = testserver.StartMySQL(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	if cache, err = testserver.StartRedis(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cache.Close()) }()
	return m.Run(), nil
}

// random returns the test's own source of chance.
func random(t *testing.T) *rand.Rand {
	hash := fnv.New64()
	hash.Write([]byte(t.Name()))
	return rand.New(rand.NewPCG(seed, hash.Sum64()))
}

// empty removes what earlier tests have stored.
func empty(t *testing.T) {
	t.Helper()
	if err := database.Empty(); err != nil {
		t.Fatal(err)
	}
	client := cache.RedisClient()
	defer client.Close()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

// environ is the environment of an app that finds its servers at these addresses.
func environ(databaseAddr, cacheAddr string) []string {
	return []string{
		"MYSQL_ADDR=" + databaseAddr, "MYSQL_PASSWORD_FILE=" + database.PasswordFile,
		"REDIS_ADDR=" + cacheAddr, "REDIS_PASSWORD_FILE=" + cache.PasswordFile,
	}
}

// startApp starts an app, which ends with the test, and waits until it is ready.
func startApp(t *testing.T, environ []string) *testserver.App {
	t.Helper()
	app, err := testserver.StartApp(binary, environ...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Kill(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of the app at %s:\n%s", app.Addr, app.Log())
		}
	})
	waitFor(t, 30*time.Second, "the app to be ready", func() bool {
		resp, err := plain.Get("http://" + app.AdminAddr + "/readyz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == 200
	})
	return app
}

// waitFor asks until the answer is yes.
func waitFor(t *testing.T, limit time.Duration, what string, yes func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !yes(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain for %s", limit, what)
		}
	}
}
