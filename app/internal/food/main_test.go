package food_test

import (
	"log"
	"os"
	"testing"

	"simpleapp/test/testserver"
)

// mysqlServer is shared by the tests of this package.
var mysqlServer *testserver.Server

func TestMain(m *testing.M) {
	var err error
	if mysqlServer, err = testserver.StartMySQL(); err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	if err := mysqlServer.Close(); err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}
