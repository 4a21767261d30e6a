package main

import (
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestMain chooses a free port, below the range of outgoing connections.
func TestMain(m *testing.M) {
	for {
		port = strconv.Itoa(10_000 + rand.IntN(20_000))
		if l, err := net.Listen("tcp", ":"+port); err == nil {
			l.Close()
			break
		}
	}
	os.Exit(m.Run())
}

// answer makes this machine answer as a copy.
func answer(t *testing.T, s Status) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(s) }))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
}

// An empty address must not be taken for this machine. The report says that node3 does not answer,
// although a copy answers on this machine.
func TestReportOfACopyWithoutAddress(t *testing.T) {
	answer(t, Status{Node: "node1", State: online, Primary: true, FreeMB: 1000})
	var out strings.Builder
	err := report(t.Context(), &out, []string{"node1=127.0.0.1", "node3="})
	if err == nil || err.Error() != "node3 does not answer" {
		t.Errorf("report = %v, want that node3 does not answer:\n%s", err, &out)
	}
}

func TestReportOfACopyThatWorks(t *testing.T) {
	answer(t, Status{Node: "node1", State: online, Primary: true, FreeMB: 1000, UUID: "uuid",
		Transactions: "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5", Queue: 2})
	var out strings.Builder
	if err := report(t.Context(), &out, []string{"node1=127.0.0.1"}); err != nil {
		t.Errorf("report = %v, want nil", err)
	}
	const want = "node1  online, primary  now         5             0      2           1000 MB"
	if !strings.Contains(out.String(), want) {
		t.Errorf("the report has no row\n%s\nbut\n%s", want, &out)
	}
}

// A copy whose server is starting does not know what it has. One without data has nothing.
func TestReportOfACopyThatStarts(t *testing.T) {
	for _, test := range []struct {
		state state
		want  string
	}{
		{starting, "node1  starting  never       ?             ?      0           1000 MB"},
		{empty, "node1  empty  never       0             0      0           1000 MB"},
		{copying, "node1  copying  never       0             0      0           1000 MB"},
	} {
		t.Run(string(test.state), func(t *testing.T) {
			answer(t, Status{Node: "node1", State: test.state, FreeMB: 1000})
			var out strings.Builder
			report(t.Context(), &out, []string{"node1=127.0.0.1"})
			if !strings.Contains(out.String(), test.want) {
				t.Errorf("the report has no row\n%s\nbut\n%s", test.want, &out)
			}
		})
	}
}

// A disk that is almost full is a problem, though the copy still works.
func TestReportOfAFullDisk(t *testing.T) {
	answer(t, Status{Node: "node1", State: online, Primary: true, FreeMB: scarceMB - 1})
	var out strings.Builder
	err := report(t.Context(), &out, []string{"node1=127.0.0.1"})
	if err == nil || err.Error() != "node1: "+noRoom {
		t.Errorf("report = %v, want that node1 has no room:\n%s", err, &out)
	}
}
