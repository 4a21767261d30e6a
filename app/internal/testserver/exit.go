package testserver

import (
	"log"
	"os"
)

// Exit ends the program of a package's tests with the exit code of m.Run. An error, such as one of
// starting or stopping a server, fails them. TestMain calls it.
func Exit(code int, err error) {
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}
