package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A copy that should be there and has no address does not answer. In particular, the copy that
// reports does not answer for it.
func TestReportOfACopyWithoutAddress(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	self := httptest.NewUnstartedServer(http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			json.NewEncoder(w).Encode(Status{Node: "node1", State: online, Primary: true})
		}))
	self.Listener.Close()
	self.Listener = listener
	self.Start()
	defer self.Close()
	var out strings.Builder
	err = report(t.Context(), &out, []string{"node1=127.0.0.1", "node3="})
	if err == nil || err.Error() != "node3 does not answer" {
		t.Errorf("report = %v, want that node3 does not answer:\n%s", err, &out)
	}
}
