package main

import (
	"context"
	"maps"
	"net"
	"slices"
	"time"
)

// A joiner is a copy that wants to join a group.
type joiner struct {
	group string // its UUID
	seen  time.Time
}

// noteAsker notes who asked for the Status of this copy: host:port. A copy that is about to join
// asks all members. It is not in the DNS, which lists only healthy copies.
func (m *member) noteAsker(from string) {
	address, _, _ := net.SplitHostPort(from)
	if address == m.address || address == "127.0.0.1" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.askers[address] = time.Now()
}

// withAskers adds to addresses the ones that have asked in the last 10 seconds.
func (m *member) withAskers(addresses []string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.askers, func(_ string, at time.Time) bool {
		return time.Since(at) > 10*time.Second
	})
	for a := range m.askers {
		if !slices.Contains(addresses, a) {
			addresses = append(addresses, a)
		}
	}
	return addresses
}

// watchOthers asks the other copies once a second which group they want to join. It also looks
// whether Swarm's DNS lists this copy, and otherwise calls end with errUnlisted.
func (m *member) watchOthers(ctx context.Context, end context.CancelCauseFunc) {
	var unlisted time.Time // since when; zero if this copy is listed, or is not healthy
	for ; ctx.Err() == nil; sleep(ctx, time.Second) {
		addresses, listed := peers(ctx, m.peersName, m.address)
		for _, other := range ask(ctx, m.withAskers(addresses)) {
			if other != nil && other.Wants != "" {
				m.mu.Lock()
				m.joiners[other.UUID] = joiner{other.Wants, time.Now()}
				m.mu.Unlock()
			}
		}
		switch {
		case listed || !m.passedCheck():
			unlisted = time.Time{}
		case unlisted.IsZero():
			unlisted = time.Now()
		case time.Since(unlisted) > m.listing && m.dispensable(ctx, addresses):
			end(errUnlisted)
		}
	}
}

// joinersOf returns the UUIDs of the copies that have wanted to join the group in the last minute.
func (m *member) joinersOf(group string) (uuids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for uuid, j := range m.joiners {
		if j.group == group && time.Since(j.seen) < time.Minute {
			uuids = append(uuids, uuid)
		}
	}
	return uuids
}
