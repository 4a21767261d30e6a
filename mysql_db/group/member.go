package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"
)

// A member runs one copy of the database.
type member struct {
	node, address string
	peersName     string // the DNS name of all copies
	password      string // by which the copies know each other
	folder        folder
	options       []string // of mysqld, the group's options included
	db            *sql.DB  // this copy's server
	began         time.Time
	// settle is how long a copy looks for others before it makes a site, or starts a group that it
	// was permitted to start. Others are in the DNS once they are healthy.
	settle     time.Duration
	healthMark string // the file that bin/db-healthcheck touches when it succeeds
	// listing is how long Swarm's DNS may take to list this copy once it is healthy.
	listing time.Duration

	mu        sync.Mutex
	phase     state             // empty, copying or starting; "" if the server answers
	problem   string            // why the copy waits
	findable  bool              // others must find this copy in the DNS, though it is in no group
	ungrouped int               // how many times in a row look has found no copy in a group
	wants     string            // the UUID of the group that this copy wants to join
	wanted    time.Time         // when wants last changed
	joiners   map[string]joiner // by UUID: other copies that want to join a group
	// askers are the addresses of copies that have asked for this copy's Status, and when.
	askers map[string]time.Time

	// Only the goroutine of run uses these, so mu does not guard them.
	server  *server
	listed  time.Time // since when look has found this copy in the DNS; zero if it is not there
	members []string  // the UUIDs of the members at the last rememberGroup
	catchUp catchUp   // starts anew when a member leaves
	others  []string  // the addresses of the other members
	left    bool      // a member has left since this copy last renewed the group's configuration
}

// run runs the copy until its context is cancelled, and returns nil then. It returns an error if
// the server ended by itself.
func (m *member) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if m.folder.has(copyingMark) {
			log.Print("removing what is left of data that is incomplete, or was given up")
			if err := m.folder.clear(); err != nil {
				return err
			}
		}
		if !m.folder.hasData() || m.folder.has(firstStartMark) {
			if err := m.fill(ctx); err != nil {
				return err
			}
		}
		if ctx.Err() != nil || m.folder.has(copyingMark) {
			continue // fill was interrupted, or gave up a copy whose donors are gone
		}
		replace, err := m.serve(ctx)
		if err != nil {
			return err
		}
		if replace {
			log.Print("this copy gives up its data, and copies that of the group")
			if err := m.folder.mark(copyingMark); err != nil {
				return err
			}
		}
	}
	return nil
}

// serve runs the server, and keeps it in the group. It returns true if this copy has to be replaced
// by a copy of another one's data. It returns false and nil when the context is cancelled, or when
// the server has to start again.
func (m *member) serve(ctx context.Context) (replace bool, err error) {
	for m.folder.freeMB() < fullMB {
		m.set(starting, noRoom)
		if sleep(ctx, time.Second); ctx.Err() != nil {
			return false, nil
		}
	}
	m.set(starting, "")
	s, err := startServer("db-entrypoint", append([]string{"mysqld"}, m.options...)...)
	if err != nil {
		return false, err
	}
	defer s.stop()
	m.server = s
	err = s.await(ctx, func(ctx context.Context) error { return serves(ctx, m.db) })
	if err == nil {
		err = makeAccount(ctx, m.db, m.password)
	}
	if err == nil {
		err = m.endFetch(ctx)
	}
	if ctx.Err() != nil {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	m.set("", "")
	for {
		replace, err := m.step(ctx)
		if errors.Is(err, errEndServer) {
			log.Print(err)
			// MySQL would wait for room, or half a minute for the group, before it ends in order.
			// The container goes on: Swarm could not start another while most managers are missing.
			s.kill()
			return false, nil
		}
		if err != nil && ctx.Err() == nil {
			log.Print(err)
		}
		if replace {
			return true, nil
		}
		select {
		case <-s.ended:
			return false, fmt.Errorf("mysqld ended: %v", s.err)
		case <-ctx.Done():
			m.leave()
			return false, nil
		case <-time.After(time.Second):
		}
	}
}

// step does what is to be done now. It returns true if this copy has to be replaced.
func (m *member) step(ctx context.Context) (replace bool, err error) {
	self, err := m.status(ctx)
	if self.FreeMB < scarceMB { // which is known even if the server does not answer
		if err := m.makeWay(ctx, self); err != nil {
			return false, err
		}
	}
	if err != nil {
		return false, err
	}
	switch self.State {
	case online:
		m.mu.Lock()
		m.wants = ""
		m.mu.Unlock()
		if err := m.rememberGroup(ctx, self.record); err != nil {
			return false, err
		}
		return false, m.forgetLeft(ctx, self)
	case joining:
		return false, nil
	case leaving:
		return false, errCutOff
	}
	m.members, m.catchUp = nil, catchUp{} // it is no member now
	v, d, err := m.look(ctx)
	if err != nil {
		return false, err
	}
	switch d.action {
	case refuse, announce, join, copyData:
		// There is a group. A permission from before must not let this copy start another one when
		// it does not see the group for a moment.
		if err := m.folder.unmark(permitMark); err != nil {
			return false, err
		}
	}
	switch d.action {
	case refuse, announce, join:
		if err := m.folder.learn(d.target.record); err != nil {
			return false, err
		}
	}
	switch d.action {
	case copyData:
		return m.mayCopy(ctx, d), nil
	case join:
		seeds := []string{}
		for _, p := range v.peers {
			if p.State == online {
				seeds = append(seeds, p.Address)
			}
		}
		m.set("", "")
		return false, m.join(ctx, d.target, seeds)
	case fetch:
		m.set("", d.reason)
		err := m.fetch(ctx, d.target)
		if err != nil {
			m.set("", fmt.Sprintf("%v: make db-recover tells more", err))
		}
		return false, err
	case startGroup:
		return false, m.start(ctx, v, d.reason)
	}
	m.set("", d.reason)
	return false, nil
}
