//go:build servers

package food_test

import (
	"log"
	"os"
	"testing"

	"simpleapp/internal/food"
	"simpleapp/internal/testserver"
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

func init() {
	stores = append(stores, kind{"MySQL", openEmptyMySQL})
}

func openEmptyMySQL(t *testing.T, observe food.Observer) *food.Store {
	t.Helper()
	if err := mysqlServer.Empty(); err != nil {
		t.Fatal(err)
	}
	return openMySQL(t, mysqlServer.Addr, observe)
}
