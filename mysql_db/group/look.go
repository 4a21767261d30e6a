package main

import (
	"context"
	"time"
)

// blindLooks is how many looks in a row have to find no group before a copy acts as if there were
// none. The answers of one look may have got lost.
const blindLooks = 3

// askTime is how long a copy has to be in the DNS before it makes a new site. A copy that is
// starting is not in the DNS, but it finds this one there, and asks it once a second.
const askTime = 5 * time.Second

// look asks the other copies and decides what to do next. It carries out the action yield itself,
// because both callers need it.
func (m *member) look(ctx context.Context) (view, decision, error) {
	self, err := m.status(ctx)
	if err != nil {
		return view{}, decision{}, err
	}
	addresses, complete := peers(ctx, m.peersName, m.address)
	if !complete {
		m.listed = time.Time{}
	} else if m.listed.IsZero() {
		m.listed = time.Now()
	}
	v := view{
		self:      self,
		lookedUp:  complete,
		permitted: m.folder.has(permitMark),
		newSite:   m.folder.has(newSiteMark) && self.Group == "",
		discard:   m.folder.has(discardMark),
		settled:   time.Since(m.began) > m.settle && m.ungrouped >= blindLooks,
	}
	if v.newSite && time.Since(m.listed) < askTime {
		v.settled = false
	}
	grouped := false
	for _, other := range m.ask(ctx, m.withAskers(addresses)) {
		if other == nil {
			v.lookedUp = false
			continue
		}
		p := peer{Status: *other}
		if self.State != empty {
			if p, err = compare(ctx, m.db, self, *other); err != nil {
				return view{}, decision{}, err
			}
		}
		if other.State == online {
			grouped = true
		}
		v.peers = append(v.peers, p)
	}
	d := decide(v)
	if d.action == yield {
		err = m.yield(self)
	}
	wants := ""
	if d.action == join || d.action == announce {
		wants = d.target.Group
	}
	m.mu.Lock()
	if wants != m.wants {
		m.wants, m.wanted = wants, time.Now()
	}
	if m.ungrouped++; grouped {
		m.ungrouped = 0
	}
	// One answer that did not come must not make this copy findable, and so healthy, before it has
	// joined: an update would then stop the next copy.
	m.findable = d.action == refuse ||
		m.ungrouped >= blindLooks && (self.State == waiting || v.permitted || v.newSite)
	m.mu.Unlock()
	return v, d, err
}
