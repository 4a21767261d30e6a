package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// A copy that is about to join is not healthy, so the DNS does not list it. The members find it
// because it asks them.
func TestMembersFindACopyThatIsAboutToJoin(t *testing.T) {
	const address = "127.0.0.2" // of the copy that is about to join
	listener, err := net.Listen("tcp", net.JoinHostPort(address, port))
	if err != nil {
		t.Fatal(err)
	}
	about := httptest.NewUnstartedServer(http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			json.NewEncoder(w).Encode(Status{UUID: "joiner", State: waiting, Wants: "group"})
		}))
	about.Listener.Close()
	about.Listener = listener
	about.Start()
	defer about.Close()

	m := &member{address: "192.0.2.1", peersName: "copies.invalid", folder: folder(t.TempDir()),
		phase: starting, joiners: map[string]joiner{}, askers: map[string]time.Time{}}
	server := httptest.NewServer(m.handler())
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{
		LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext}}
	defer client.CloseIdleConnections()
	answer, err := client.Get(server.URL + "/status")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()

	ctx, end := context.WithCancelCause(t.Context())
	defer end(nil)
	go m.watchOthers(ctx, end)
	for deadline := time.Now().Add(30 * time.Second); ; sleep(ctx, 10*time.Millisecond) {
		joiners := m.joinersOf("group")
		if slices.Equal(joiners, []string{"joiner"}) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the member knows of %q, want of the copy that asked it", joiners)
		}
	}
}
