package main

import (
	"fmt"
	"slices"
)

// An action is what a copy does next.
type action string

const (
	wait       action = "wait"
	refuse     action = "refuse"   // stays out of the group until an operator decides
	copyData   action = "copy"     // copies the data of target
	announce   action = "announce" // tells the group that it wants to join
	join       action = "join"     // joins the group of target
	fetch      action = "fetch"    // gets the transactions that only target has
	makeSite   action = "new site" // makes an empty database, the first of the site
	startGroup action = "start"    // starts a group of one, which the others then join
	yield      action = "yield"    // gives up its permission to make a new site: there is one
)

// A view is what a copy knows at one moment. A copy that did not answer is not in peers.
type view struct {
	self  Status
	peers []peer // the other copies that answered
	// lookedUp tells that the DNS listed this copy, and that every other one in its list answered.
	lookedUp bool
	// permitted tells that this copy may start a group, or make a new site if it has no data:
	// because db ran without groups until now, or because an operator says so.
	permitted bool
	// newSite tells that this copy may make a new site and start its group. The job db-first says
	// so (docker-stack.yml). A plain docker stack deploy also runs that job on a site that has
	// data, so newSite counts only where no other copy has data.
	newSite bool
	// settled tells that the copy has been running for so long that it would have found others, and
	// has seen no group just now.
	settled bool
	// discard tells that this copy is to give up what it has: because an operator says so, or
	// because it made a new database and then found that the site has one (yield).
	discard bool
}

// A peer is another copy, compared with this one.
type peer struct {
	Status
	ahead  bool // it has transactions that this copy lacks
	behind bool // it lacks transactions that this copy has
	purged bool // its binary log has no longer all that this copy lacks
	// mergeable tells that the last group of both has certified each transaction that only one of
	// them has, and that each can still send these to the other.
	mergeable bool
}

// A decision is an action, its target, and the reason.
type decision struct {
	action action
	target Status
	reason string
}

// decide says what a copy that is in no group does next. It keeps these promises:
//   - Copies never start a second group by themselves. A copy starts the group again only if all
//     copies that may have been in it answer and are in none. Otherwise an operator has to permit
//     it.
//   - An empty copy makes a new site only if it is permitted to.
//   - A copy with transactions that the group lacks does not join it.
func decide(v view) decision {
	var primary, donor *peer
	for i, p := range v.peers {
		if p.State == online && p.Primary {
			if primary != nil {
				return decision{wait, p.Status,
					fmt.Sprintf("%s and %s both say that they are the primary",
						primary.Node, p.Node)}
			}
			primary = &v.peers[i]
		}
		if p.State == online && (donor == nil || !p.Primary) {
			donor = &v.peers[i]
		}
	}
	for _, p := range v.peers {
		if v.newSite && p.hasData() && !p.NewSite {
			return decision{yield, p.Status,
				p.Node + " has data, so this is not the site's first start"}
		}
	}
	switch {
	case v.self.State == empty:
		return decideEmpty(v, donor)
	case primary != nil:
		return decideJoin(v, *primary, *donor)
	case donor != nil:
		return decision{wait, donor.Status, "the group has no primary"}
	}
	return decideStart(v)
}

func decideEmpty(v view, donor *peer) decision {
	if donor != nil {
		return decision{copyData, donor.Status, "it is in the group"}
	}
	for _, p := range v.peers {
		// hasData is false for a peer that is copying. The copy that it copies from is no member
		// any more, because there is no donor.
		if p.hasData() {
			return decision{wait, p.Status, p.Node + " has data, but is in no group yet"}
		}
	}
	switch {
	case !v.permitted && !v.newSite:
		return decision{action: wait, reason: "it has no data, and finds no group to copy from"}
	case !v.settled || !v.lookedUp:
		return decision{action: wait,
			reason: "it looks for other copies before it makes a new site"}
	}
	return decision{action: makeSite, reason: "this is the site's first start"}
}

func decideJoin(v view, primary, donor peer) decision {
	switch {
	case v.discard && (v.self.Group == "" || primary.behind):
		return decision{copyData, donor.Status, "what it has is to be given up"}
	case v.self.Group == "":
		return decision{refuse, primary.Status, "its data is from before it was in a group: " +
			"if the site does not need it, make db-discard NODE=" + v.self.Node +
			" LOSE=yes gives it up"}
	case primary.behind:
		return decision{refuse, primary.Status, "it has transactions that the group lacks: " +
			"make db-discard NODE=" + v.self.Node + " gives them up"}
	case !slices.ContainsFunc(v.peers, func(p peer) bool { return p.State == online && !p.purged }):
		for _, uuid := range primary.Others {
			if !slices.ContainsFunc(v.peers, func(p peer) bool { return p.UUID == uuid }) {
				return decision{wait, primary.Status, "it has been away for long, and waits for " +
					"the answer of a member that may still send what it lacks"}
			}
		}
		return decision{copyData, donor.Status,
			"it has been away for so long that no member can send what it lacks"}
	}
	for _, p := range v.peers {
		if p.State == online && !slices.Contains(p.Members, v.self.UUID) {
			return decision{announce, primary.Status, "it waits until " + p.Node + " lists it"}
		}
	}
	return decision{join, primary.Status, ""}
}

// decideStart is for a copy that has data, where no copy that answers is in a group.
func decideStart(v view) decision {
	if v.permitted || v.newSite {
		if !v.settled || !v.permitted && !v.lookedUp {
			return decision{action: wait,
				reason: "it looks for other copies before it starts the group"}
		}
		return decision{action: startGroup, reason: "it is permitted to"}
	}
	if v.self.Group == "" && v.discard {
		return decision{action: wait, reason: "it waits for a group to copy from"}
	}
	if v.self.Group == "" {
		return decision{action: wait, reason: "its data is from before it was in a group, " +
			"and it is not permitted to start one: make db-recover tells more"}
	}
	// Every member in the record of a copy that answers has to answer. A member that left is needed
	// only while such a record still lists it.
	copies := []peer{{Status: v.self}}
	for _, p := range v.peers {
		if p.State == waiting && p.Group != "" {
			copies = append(copies, p)
		}
	}
	answers := map[string]bool{}
	for _, c := range copies {
		answers[c.UUID] = true
	}
	needed, missing := map[string]bool{}, 0
	for _, c := range copies {
		for _, uuid := range c.needed() {
			if !needed[uuid] && !answers[uuid] {
				missing++
			}
			needed[uuid] = true
		}
	}
	if missing > 0 {
		return decision{action: wait, reason: fmt.Sprintf(
			"it waits for %d of the %d copies of the last group: if one of them never comes back, "+
				"make db-recover tells more", missing, len(needed))}
	}
	// A copy may start the group if it is in the record of every copy that answers, and lacks no
	// transaction of another copy. A copy's transactions do not count if it knows of a group that
	// went on without it. If several may start the group, the first by UUID does.
	inAll := func(uuid string) bool {
		return !slices.ContainsFunc(copies, func(c peer) bool {
			return !slices.Contains(c.needed(), uuid)
		})
	}
	if !inAll(v.self.UUID) {
		return decision{action: wait, reason: "it is not in the record of each copy, so another " +
			"one starts the group: if none does, make db-recover tells more"}
	}
	for _, c := range copies[1:] {
		if !slices.Contains(c.needed(), c.UUID) {
			continue // it knows of a group that went on without it
		}
		switch {
		case c.ahead && c.behind && c.mergeable && inAll(c.UUID) && c.UUID < v.self.UUID:
			return decision{wait, c.Status, c.Node + " fetches what it lacks"}
		case c.ahead && c.behind && c.mergeable && inAll(c.UUID):
			return decision{fetch, c.Status, c.Node + " has transactions that this copy lacks"}
		case c.ahead && c.behind:
			return decision{wait, c.Status,
				c.Node + " has other transactions: make db-recover tells more"}
		case c.ahead && inAll(c.UUID):
			return decision{wait, c.Status, c.Node + " has more and starts the group"}
		case c.ahead:
			return decision{wait, c.Status,
				c.Node + " has more, but was not in the last group: make db-recover tells more"}
		case !c.behind && inAll(c.UUID) && c.UUID < v.self.UUID:
			return decision{wait, c.Status, c.Node + " starts the group"}
		}
	}
	if !v.lookedUp { // a group may be there that this copy does not see
		return decision{action: wait,
			reason: "it looks for other copies before it starts the group"}
	}
	return decision{action: startGroup,
		reason: fmt.Sprintf("all %d copies of the last group answer", len(needed))}
}
