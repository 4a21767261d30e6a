// Package faults tests that the program keeps its promises while its servers die, hang and lose
// answers. It runs the built program on real servers, with a proxy between them that fails at
// random.
//
// Each run prints FAULTS_SEED. Set it to repeat the random choices of that run. FAULTS_REQUESTS is
// the number of requests among which TestRequestsLeakNothing looks for leaks.
package faults

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

var (
	seed          uint64
	totalRequests int64  = 300_000 // of TestRequestsLeakNothing
	binary        string           // the program, built without cgo
	database      *testserver.Server
	cache         *testserver.Server
)

func TestMain(m *testing.M) { testserver.Exit(runTests(m)) }

func runTests(m *testing.M) (code int, err error) {
	seed = uint64(time.Now().UnixNano())
	if s := os.Getenv("FAULTS_SEED"); s != "" {
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			return 0, fmt.Errorf("FAULTS_SEED: %w", err)
		}
	}
	if s := os.Getenv("FAULTS_REQUESTS"); s != "" {
		if totalRequests, err = strconv.ParseInt(s, 10, 64); err != nil {
			return 0, fmt.Errorf("FAULTS_REQUESTS: %w", err)
		}
	}
	fmt.Printf("FAULTS_SEED=%d\n", seed)
	dir, err := os.MkdirTemp("", "simpleapp-faults-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary = filepath.Join(dir, "simpleapp")
	os.Setenv("CGO_ENABLED", "0")
	if err := testserver.Build(binary, "-trimpath"); err != nil {
		return 0, err
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

// random returns a random source for the test. It follows from seed.
func random(t *testing.T) *rand.Rand {
	hash := fnv.New64()
	hash.Write([]byte(t.Name()))
	return rand.New(rand.NewPCG(seed, hash.Sum64()))
}

// removeEverything removes everything that earlier tests have stored.
func removeEverything(t *testing.T) {
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

// environ returns the environment of an app whose servers have these addresses.
func environ(databaseAddr, cacheAddr string) []string {
	return []string{
		"MYSQL_ADDR=" + databaseAddr, "MYSQL_PASSWORD_FILE=" + database.PasswordFile,
		"REDIS_ADDR=" + cacheAddr, "REDIS_PASSWORD_FILE=" + cache.PasswordFile,
	}
}

// metrics returns what the app measures, as text.
func metrics(t *testing.T, app *testserver.App) string {
	t.Helper()
	request := testsite.Request(t, http.MethodGet, "http://"+app.AdminAddr+"/metrics", nil)
	request.Close = true // an idle connection would count as one of the app's files
	return testsite.Send(t, request).Body
}

// startApp starts an app and waits until it is ready. The app ends with the test.
func startApp(t *testing.T, environ []string) *testserver.App {
	t.Helper()
	app := testsite.StartApp(t, binary, environ...)
	testsite.Eventually(t, "the app is ready", func() error {
		resp, err := browser.Get("http://" + app.AdminAddr + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET /readyz = %d, want 200", resp.StatusCode)
		}
		return nil
	})
	return app
}
