package faults

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

// Go keeps each field of a header and of a form in a map, which takes far more memory than the
// field's bytes. Many connections with many short fields must not take the program's memory, also
// while requests wait for MySQL.
func TestShortFieldsTakeLittleMemory(t *testing.T) {
	removeEverything(t)
	const connections = 2500
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789!#$'*-.^_`|~"
	fields := func(bytes int, separator string) string {
		var all strings.Builder
		for i := 0; all.Len() < bytes; i++ { // a, b, …, aa, ab, …
			for n := i; n >= 0; n = n/len(letters) - 1 {
				all.WriteByte(letters[n%len(letters)])
			}
			all.WriteString(separator)
		}
		return all.String()
	}
	const page = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
	const begin = "GET /submissions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	begun := begin + fields(8_000, ":\n") // nearly the largest header
	pizza := newForm("Pizza").Encode()
	form := pizza + "&" + fields(15_000, "&")
	posted := fmt.Sprintf("POST /simpleform HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		len(form), form)
	chunked := fmt.Sprintf("POST /simpleform HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"+
		"%x\r\n%s\r\n0\r\n%s\r\n\r\n", len(pizza), pizza, fields(4_000, ":\n")+"end:")
	for name, sent := range map[string]string{
		"half a header":               begun,
		"half a header behind a page": page + begin + fields(12_000, ":\n"),
		"a header":                    begun + "\r\n",
		"a header of one field":       begin + strings.Repeat("a:\n", 2_600) + "\r\n",
		"a header that expects":       begun + "Expect: x\r\nContent-Length: 1000\r\n\r\n",
		"a form":                      posted,
		"a form with a trailer":       chunked,
	} {
		t.Run(name, func(t *testing.T) {
			app := startApp(t, append(environ(database.Addr, cache.Addr), "GOMAXPROCS=1"))
			defer testsite.Hang(t, database)()
			var clients sync.WaitGroup
			for range connections {
				clients.Go(func() {
					conn, err := net.Dial("tcp", app.Addr)
					if err != nil {
						t.Error(err)
						return
					}
					defer conn.Close()
					conn.SetDeadline(time.Now().Add(time.Minute))
					io.WriteString(conn, sent) // the app may have closed the connection
					io.Copy(io.Discard, conn)
				})
			}
			clients.Wait()
			memory := resident(t, app.PID, "VmHWM:")
			t.Logf("at most %d kB resident", memory)
			if memory > containerMemory {
				t.Errorf("%d kB resident, want at most %d", memory, containerMemory)
			}
		})
	}
}
