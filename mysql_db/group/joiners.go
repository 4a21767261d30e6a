package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"
)

// A joiner is a copy that wants to join a group.
type joiner struct {
	address string
	group   string // its UUID
	seen    time.Time
}

// proofHeader is the header with which a copy proves to another one that it is a copy.
const proofHeader = "X-Copy-Proof"

// proofOf returns the value of proofHeader. It is made from the password that only copies know.
func proofOf(password string) string {
	sum := sha256.Sum256([]byte("ask " + password))
	return hex.EncodeToString(sum[:])
}

// noteAsker notes the address of a copy that asks for this copy's Status. A copy that is about to
// join is not in the DNS, which lists only healthy copies, but it asks all members. So they learn
// its address. Others that ask, such as a replica of app, are not noted: what they answer would get
// into the record.
func (m *member) noteAsker(r *http.Request) {
	given, want := r.Header.Get(proofHeader), proofOf(m.password)
	if subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 0 {
		return
	}
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.askers[address] = time.Now()
}

// withAskers returns the addresses, and with them those that have asked in the last 10 seconds. It
// forgets older ones.
func (m *member) withAskers(addresses []string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.askers, func(_ string, at time.Time) bool {
		return time.Since(at) > 10*time.Second
	})
	all := slices.Clone(addresses)
	for a := range m.askers {
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// watchOthers asks the other copies once a second which group they want to join. It also calls end
// with errUnlisted if Swarm's DNS has not listed this healthy copy for m.listing, and the group can
// do without it.
func (m *member) watchOthers(ctx context.Context, end context.CancelCauseFunc) {
	var unlisted time.Time // since when; zero if this copy is listed, or is not healthy
	for ; ctx.Err() == nil; sleep(ctx, time.Second) {
		addresses, listed := peers(ctx, m.peersName, m.address)
		for _, other := range m.ask(ctx, m.withAskers(addresses)) {
			if other != nil {
				m.noteJoiner(*other)
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

// noteJoiner notes another copy if it wants to join a group. It forgets another UUID at the same
// address: that copy has given up its data, or its server starts again and it will ask anew. So
// nobody needs to wait for it.
func (m *member) noteJoiner(s Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.joiners, func(uuid string, j joiner) bool {
		return j.address == s.Address && uuid != s.UUID
	})
	if s.Wants != "" {
		m.joiners[s.UUID] = joiner{s.Address, s.Wants, time.Now()}
	}
}

// joinTime is how long a copy counts as a joiner after it last said so. It is longer than
// startReplication may take: a starved copy may not answer meanwhile, and then become a member.
const joinTime = startTime + time.Minute

// joinersOf returns the UUIDs of the copies that have wanted to join a group in the last joinTime,
// and are not in it yet. It forgets those that are in it, since they may leave again, and older
// ones.
func (m *member) joinersOf(now record) (uuids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.joiners, func(uuid string, j joiner) bool {
		return slices.Contains(now.Members, uuid) || time.Since(j.seen) > joinTime
	})
	for uuid, j := range m.joiners {
		if j.group == now.Group {
			uuids = append(uuids, uuid)
		}
	}
	return uuids
}
