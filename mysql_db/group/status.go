package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A state says what a copy does at the moment.
type state string

const (
	empty    state = "empty"    // has no data: waits for a group to copy from, or makes a site
	copying  state = "copying"  // copies the data of another copy
	starting state = "starting" // has data, but its server does not answer yet
	waiting  state = "waiting"  // has data, and is in no group
	joining  state = "joining"  // catches up with the group
	leaving  state = "leaving"  // was cut off from the group: its server has to start again
	online   state = "online"   // is a member of the group and has its data
)

// A Status is what a copy tells the other copies, and operators, about itself.
type Status struct {
	Node    string `json:"node"`    // the machine
	Address string `json:"address"` // an IP address
	State   state  `json:"state"`
	Primary bool   `json:"primary"`
	UUID    string `json:"uuid"` // the server's
	record
	NewSite      bool      `json:"new_site"`     // it may make a new site, and has no submission
	Others       []string  `json:"others"`       // UUIDs of other members that have the data
	Wants        string    `json:"wants"`        // the UUID of the group that it wants to join
	Transactions string    `json:"transactions"` // a GTID set: executed, or at least received
	Purged       string    `json:"purged"`       // a GTID set: what it can't send to others now
	Queue        int       `json:"queue"`        // how many transactions it has still to execute
	Seen         time.Time `json:"seen"`         // when it was a member of the group last
	FreeMB       uint64    `json:"free_mb"`      // the space on its disk
	Problem      string    `json:"problem"`      // why it waits
}

// A record is what a copy remembers of its group while it is not running.
type record struct {
	// Group is the UUID of the last group that the copy was in, has copied from, or has found.
	Group string `json:"group"`
	// Members are the server UUIDs of that group's members then, and of the copies that were about
	// to join it.
	Members []string `json:"members"`
	// Left are the UUIDs of members that left, as long as this copy may lack something that they
	// have (noteLeft).
	Left []string `json:"left,omitempty"`
}

// hasData tells whether the copy has, or may have, something of visitors.
func (s Status) hasData() bool { return s.State != empty && s.State != copying }

// needed returns the UUIDs of the copies without which the group must not start.
func (r record) needed() []string { return slices.Concat(r.Members, r.Left) }

func (r record) equal(other record) bool {
	return r.Group == other.Group && slices.Equal(r.Members, other.Members) &&
		slices.Equal(r.Left, other.Left)
}

// status returns what this copy tells about itself now.
func (m *member) status(ctx context.Context) (Status, error) {
	s := Status{Node: m.node, Address: m.address, Seen: m.folder.seen(), FreeMB: m.folder.freeMB()}
	m.mu.Lock()
	s.State, s.Problem = m.phase, m.problem
	if s.State == "" { // otherwise the server has to start before this copy can join
		s.Wants = m.wants
	}
	m.mu.Unlock()
	r, err := m.folder.record()
	if err != nil {
		return s, err
	}
	s.record = r
	s.NewSite = m.folder.has(newSiteMark) && r.Group == "" && !m.folder.has(confirmingMark)
	if s.State == "" {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		err = readStatus(ctx, m.db, &s)
	}
	if s.State == online {
		s.Problem = ""
	}
	return s, err
}

// port is where each copy tells its Status, on the network that app and db share. Tests have
// another one.
var port = "3308"

// peers returns the addresses of the other copies in Swarm's DNS, which lists those that are
// healthy. complete is true if this copy is in the list, too. If it is not, the list may be wrong,
// because the DNS gives the same answer when it fails and when no copy is healthy.
func peers(ctx context.Context, name, self string) (others []string, complete bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	all, err := net.DefaultResolver.LookupHost(ctx, name)
	others = slices.DeleteFunc(slices.Clone(all), func(a string) bool { return a == self })
	return others, err == nil && slices.Contains(all, self)
}

// ask returns what the copies at the addresses tell this copy, in their order.
func (m *member) ask(ctx context.Context, addresses []string) []*Status {
	return ask(ctx, addresses, proofOf(m.password))
}

// ask returns a Status for each address, in their order. It is nil if no copy answers there, or if
// the address is "". proof is "" if the asker is no copy.
func ask(ctx context.Context, addresses []string, proof string) []*Status {
	answers := make([]*Status, len(addresses))
	var group sync.WaitGroup
	for i, address := range addresses {
		if address == "" {
			continue // Go would ask this machine
		}
		group.Go(func() {
			if s, err := askOne(ctx, address, proof); err == nil {
				answers[i] = &s
			}
		})
	}
	group.Wait()
	return answers
}

func askOne(ctx context.Context, address, proof string) (s Status, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	url := "http://" + net.JoinHostPort(address, port) + "/status"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return s, err
	}
	req.Header.Set(proofHeader, proof)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return s, fmt.Errorf("%s: %s", url, resp.Status)
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&s)
	return s, err
}

// set says what the copy does while its server does not answer, or why it waits.
func (m *member) set(phase state, problem string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if problem != m.problem && problem != "" {
		log.Print("waiting: ", problem)
	}
	m.phase, m.problem = phase, problem
}
