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

// answering starts a copy that tells this status, until the test ends.
func answering(t *testing.T, address string, status Status) {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(address, port))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(status) }))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
}

// A copy that is about to join is not healthy, so the DNS does not list it. The members find it
// because it asks them. They don't take another program for a copy.
func TestMembersFindACopyThatIsAboutToJoin(t *testing.T) {
	const joining, stranger = "127.0.0.2", "127.0.0.3"
	for _, address := range []string{joining, stranger} {
		answering(t, address, Status{UUID: address, State: waiting, Wants: "group"})
	}
	m := &member{address: "192.0.2.1", peersName: "copies.invalid", folder: folder(t.TempDir()),
		password: "of the copies", phase: starting, joiners: map[string]joiner{},
		askers: map[string]time.Time{}}
	server := httptest.NewServer(m.handler())
	defer server.Close()
	proofs := map[string]string{joining: proofOf(m.password), stranger: proofOf("")}
	for address, proof := range proofs {
		client := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{
			LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext}}
		defer client.CloseIdleConnections()
		request, err := http.NewRequest(http.MethodGet, server.URL+"/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(proofHeader, proof)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	if got, want := m.withAskers(nil), []string{joining}; !slices.Equal(got, want) {
		t.Errorf("the member asks %q, want %q", got, want)
	}
	ctx, end := context.WithCancelCause(t.Context())
	defer end(nil)
	go m.watchOthers(ctx, end)
	for deadline := time.Now().Add(30 * time.Second); ; sleep(ctx, 10*time.Millisecond) {
		got, want := m.joinersOf(record{Group: "group"}), []string{joining}
		if slices.Equal(got, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("joinersOf = %q, want %q", got, want)
		}
	}
}

// After a power loss a copy that has no data must not make a new site while the servers of the
// others are still starting. The DNS does not list these, but they ask.
func TestEmptyCopySeesWhoIsStarting(t *testing.T) {
	answering(t, "127.0.0.2", Status{Node: "node-b", State: starting})
	m := &member{address: "127.0.0.1", peersName: "127.0.0.1", folder: folder(t.TempDir()),
		phase: empty, ungrouped: blindLooks, listed: time.Now().Add(-time.Minute),
		askers: map[string]time.Time{}}
	if err := m.folder.mark(newSiteMark); err != nil {
		t.Fatal(err)
	}
	_, d, err := m.look(t.Context())
	if err != nil || d.action != makeSite {
		t.Fatalf("where nobody asks, the copy decides %v, %v, want %v", d, err, makeSite)
	}
	m.askers["127.0.0.2"] = time.Now()
	_, d, err = m.look(t.Context())
	if err != nil || d.action == makeSite || d.target.Node != "node-b" {
		t.Errorf("where a copy is starting, it decides %v, %v, want that it waits", d, err)
	}
	m.askers, m.listed = map[string]time.Time{}, time.Time{}
	_, d, err = m.look(t.Context())
	if err != nil || d.action == makeSite {
		t.Errorf("just found in the DNS, the copy decides %v, %v, want that it waits", d, err)
	}
}

// A record with a copy whose data is gone would let the others wait for it for ever, after a power
// loss of all machines.
func TestMembersForgetWhoDoesNotJoinAnyMore(t *testing.T) {
	before := Status{UUID: "before", Address: "10.0.0.2", State: waiting, Wants: "group"}
	for _, test := range []struct {
		name    string
		joined  bool
		after   Status // what the copy says then
		joiners []string
	}{
		{"it goes on waiting", false, before, []string{"before"}},
		{"it has joined, and dies", true, Status{}, nil},
		{"it copies everything", false, Status{Address: "10.0.0.2", State: copying}, nil},
		{"it has copied everything", false,
			Status{UUID: "after", Address: "10.0.0.2", State: waiting, Wants: "group"},
			[]string{"after"}},
		{"another copy joins, too", false,
			Status{UUID: "other", Address: "10.0.0.3", State: waiting, Wants: "group"},
			[]string{"before", "other"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &member{joiners: map[string]joiner{}}
			m.noteJoiner(before)
			if test.joined {
				m.joinersOf(record{Group: "group", Members: []string{"before", "first"}})
			} else {
				m.noteJoiner(test.after)
			}
			got := m.joinersOf(record{Group: "group", Members: []string{"first"}})
			slices.Sort(got)
			if !slices.Equal(got, test.joiners) {
				t.Errorf("joinersOf = %q, want %q", got, test.joiners)
			}
		})
	}
}
