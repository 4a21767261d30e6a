package main

import (
	"strings"
	"testing"
)

// waitingCopy returns a copy that waits. The last group that it was in had these members.
func waitingCopy(uuid string, members ...string) peer {
	return peer{Status: Status{
		Node: "node-" + uuid, UUID: uuid, State: waiting,
		record: record{Group: "g", Members: members},
	}}
}

// inState returns the copy in another state.
func inState(p peer, s state) peer { p.State = s; return p }

// primary returns the copy as the group's primary.
func primary(p peer) peer { p.State, p.Primary = online, true; return p }

// more, less and gone return the copy as self sees it: more has transactions that self lacks, less
// lacks some that self has, and gone has purged some that self lacks.
func more(p peer) peer { p.ahead = true; return p }
func less(p peer) peer { p.behind = true; return p }
func gone(p peer) peer { p.ahead, p.purged = true, true; return p }

// beside returns the primary of a group that has another member.
func beside(p peer, uuid string) peer { p.Others = []string{uuid}; return p }

// mergeable returns the copy as one whose differences all come from the last group.
func mergeable(p peer) peer { p.mergeable = true; return p }

// without returns a copy whose record says that another one left, and is still needed.
func without(p peer, uuid string) peer { p.Left = []string{uuid}; return p }

func TestDecide(t *testing.T) {
	nothing := Status{Node: "node-a", State: empty}
	old := Status{Node: "node-a", UUID: "a", State: waiting}
	a := waitingCopy("a", "a", "b", "c").Status
	older := peer{Status: Status{Node: "node-o", UUID: "o", State: waiting}}
	anew := peer{Status: Status{Node: "node-n", UUID: "n", State: waiting, NewSite: true}}
	b, c := waitingCopy("b", "a", "b", "c"), waitingCopy("c", "a", "b", "c")
	for _, test := range []struct {
		name   string
		view   view
		want   action
		target string
		reason string
	}{
		{"the site's first start",
			view{self: nothing, newSite: true, settled: true, lookedUp: true}, makeSite, "", ""},
		{"the first start, beside empty copies", view{self: nothing,
			peers: []peer{inState(peer{}, empty)}, newSite: true, settled: true, lookedUp: true},
			makeSite, "", ""},
		{"the first start, too early to see others",
			view{self: nothing, newSite: true, lookedUp: true}, wait, "", "looks for"},
		{"the first start, no answer from the DNS",
			view{self: nothing, newSite: true, settled: true}, wait, "", "looks for"},
		{"the first start, with its new database",
			view{self: old, newSite: true, settled: true, lookedUp: true}, startGroup, "", ""},
		{"the first start, with its new database, no answer from the DNS",
			view{self: old, newSite: true, settled: true}, wait, "", "looks for"},
		{"a new node at the start of a site with data", view{self: nothing, peers: []peer{b},
			newSite: true, settled: true, lookedUp: true}, yield, "node-b", "has data"},
		{"a new node whose new database comes too late", view{self: old, peers: []peer{b},
			newSite: true, settled: true, lookedUp: true}, yield, "node-b", "has data"},
		{"a new node, beside a group", view{self: old, peers: []peer{primary(b)}, newSite: true,
			settled: true, lookedUp: true}, yield, "node-b", "has data"},
		{"a new node, beside data from before there were groups", view{self: nothing,
			peers: []peer{older}, newSite: true, settled: true, lookedUp: true},
			yield, "node-o", "has data"},
		{"a new database, beside data from before there were groups, whose server starts",
			view{self: old, peers: []peer{inState(older, starting)}, newSite: true, settled: true,
				lookedUp: true}, yield, "node-o", "has data"},
		{"a new database, beside another new one", view{self: old, peers: []peer{anew},
			newSite: true, settled: true, lookedUp: true}, startGroup, "", ""},
		{"a new database that is given up, until the group starts", view{self: old,
			peers: []peer{b, c}, discard: true, settled: true, lookedUp: true},
			wait, "", "to copy from"},
		{"an empty copy that an operator permits, and no other answers",
			view{self: nothing, permitted: true, settled: true, lookedUp: true}, makeSite, "", ""},
		{"an empty copy alone",
			view{self: nothing, settled: true, lookedUp: true}, wait, "", "finds no group"},
		{"an empty copy that is permitted, beside data", view{self: nothing, peers: []peer{b},
			permitted: true, settled: true, lookedUp: true}, wait, "node-b", "has data"},
		{"an empty copy that is permitted, beside a server that starts", view{self: nothing,
			peers: []peer{inState(b, starting)}, permitted: true, settled: true, lookedUp: true},
			wait, "node-b", "has data"},
		{"an empty copy that is permitted, beside one whose donor is gone", view{self: nothing,
			peers: []peer{inState(peer{}, copying)}, permitted: true, settled: true,
			lookedUp: true},
			makeSite, "", ""},
		{"an empty copy, beside a group", view{self: nothing,
			peers: []peer{primary(b), inState(c, online)}, permitted: true, settled: true,
			lookedUp: true}, copyData, "node-c", ""},
		{"an empty copy, beside a primary alone",
			view{self: nothing, peers: []peer{primary(b)}}, copyData, "node-b", ""},

		{"a copy that was away",
			view{self: a, peers: []peer{more(primary(b))}}, join, "node-b", ""},
		{"a copy of an earlier group",
			view{self: waitingCopy("a", "a").Status, peers: []peer{more(primary(b))}},
			join, "node-b", ""},
		{"a copy that a member does not list yet", view{self: a,
			peers: []peer{primary(b), inState(waitingCopy("c", "b", "c"), online)}},
			announce, "node-b", "node-c lists it"},
		{"a copy that has more than the group", view{self: a, peers: []peer{less(primary(b))}},
			refuse, "node-b", "make db-discard NODE=node-a"},
		{"a copy that has more than the group, and is permitted to start one", view{self: a,
			peers: []peer{less(primary(b))}, permitted: true, settled: true},
			refuse, "node-b", "db-discard"},
		{"a copy that has more than the group, discarded", view{self: a,
			peers: []peer{less(primary(b)), inState(c, online)}, discard: true},
			copyData, "node-c", ""},
		{"a copy that could join, discarded", view{self: a, peers: []peer{more(primary(b))},
			discard: true}, join, "node-b", ""},
		{"a new database that is given up",
			view{self: old, peers: []peer{primary(b)}, discard: true}, copyData, "node-b", ""},
		{"a copy from before there were groups",
			view{self: old, peers: []peer{primary(b)}}, refuse, "node-b", "make db-discard"},
		{"a copy that was away for too long",
			view{self: a, peers: []peer{gone(primary(b))}}, copyData, "node-b", ""},
		{"a copy that was away for too long, and a member does not answer",
			view{self: a, peers: []peer{gone(beside(primary(b), "c"))}}, wait, "node-b",
			"may still send"},
		{"a copy that was away for too long, and all members answer",
			view{self: a, peers: []peer{gone(beside(primary(b), "c")), gone(inState(c, online))}},
			copyData, "node-c", ""},
		{"a copy that was away while a member copied everything",
			view{self: a, peers: []peer{more(primary(b)), gone(inState(c, online))}},
			join, "node-b", ""},
		{"two groups",
			view{self: a, peers: []peer{primary(b), primary(c)}}, wait, "node-c", "both say"},
		{"a group that chooses its primary",
			view{self: a, peers: []peer{inState(b, online)}}, wait, "node-b", "no primary"},

		{"data from before there were groups, permitted",
			view{self: old, permitted: true, settled: true}, startGroup, "", ""},
		{"permitted, but too early to see others",
			view{self: a, permitted: true}, wait, "", "looks for"},
		{"data from before there were groups, not permitted",
			view{self: old, settled: true}, wait, "", "db-recover"},
		{"all are back, and one has just been copied", view{self: waitingCopy("a", "a").Status,
			peers: []peer{less(waitingCopy("b", "a"))}, lookedUp: true}, startGroup, "", "all 1"},
		{"a group of one", view{self: waitingCopy("a", "a").Status, lookedUp: true},
			startGroup, "", "all 1"},
		{"a group of one, no answer from the DNS", view{self: waitingCopy("a", "a").Status},
			wait, "", "looks for"},
		{"all are back", view{self: a, peers: []peer{b, c}, lookedUp: true},
			startGroup, "", "all 3"},
		{"all are back, this one has more", view{self: waitingCopy("c", "a", "b", "c").Status,
			peers: []peer{less(waitingCopy("a", "a", "b", "c")), less(b)}, lookedUp: true},
			startGroup, "", "all 3"},
		{"a copy that the group has refused, and the group does not answer",
			view{self: waitingCopy("a", "b").Status, lookedUp: true},
			wait, "", "1 of the 1 copies"},
		{"all are back, beside a copy that the group has refused",
			view{self: waitingCopy("b", "b").Status,
				peers: []peer{more(less(waitingCopy("a", "b")))}, lookedUp: true},
			startGroup, "", "all 1"},
		{"all are back, another one has more",
			view{self: a, peers: []peer{b, more(c)}}, wait, "node-c", "has more and starts"},
		{"all are back, another one is first",
			view{self: b.Status, peers: []peer{waitingCopy("a", "a", "b", "c"), c}},
			wait, "node-a", "starts the group"},
		{"a majority is back", view{self: a, peers: []peer{b}, settled: true, lookedUp: true},
			wait, "", "1 of the 3 copies"},
		{"all are back, but one server still starts",
			view{self: a, peers: []peer{b, inState(c, starting)}}, wait, "", "1 of the 3 copies"},
		{"all are back, but one server still leaves the group",
			view{self: a, peers: []peer{b, inState(c, leaving)}}, wait, "", "1 of the 3 copies"},
		{"a majority is back, and an operator permits it",
			view{self: a, peers: []peer{b}, permitted: true, settled: true},
			startGroup, "", "permitted"},
		{"one left earlier, and the others saw it leave",
			view{self: waitingCopy("b", "b", "c").Status,
				peers: []peer{waitingCopy("c", "b", "c")}, lookedUp: true},
			startGroup, "", "all 2"},
		{"this one left earlier, and all are back",
			view{self: a, peers: []peer{waitingCopy("b", "b", "c"), waitingCopy("c", "b", "c")}},
			wait, "", "another one starts"},
		{"one left earlier, all are back", view{self: waitingCopy("b", "b", "c").Status,
			peers:    []peer{less(waitingCopy("a", "a", "b", "c")), waitingCopy("c", "b", "c")},
			lookedUp: true}, startGroup, "", "all 3"},
		{"one left earlier, and the others had not executed everything",
			view{self: without(waitingCopy("b", "b", "c"), "a").Status,
				peers: []peer{without(waitingCopy("c", "b", "c"), "a")}, lookedUp: true},
			wait, "", "1 of the 3 copies"},
		{"one left earlier, the others had not executed everything, and all are back",
			view{self: a, peers: []peer{less(without(waitingCopy("b", "b", "c"), "a")),
				less(without(waitingCopy("c", "b", "c"), "a"))}, lookedUp: true},
			startGroup, "", "all 3"},
		{"one knows of a later group whose members are missing",
			view{self: a, peers: []peer{b, more(waitingCopy("c", "c", "d"))}},
			wait, "", "1 of the 4 copies"},
		{"each has something that the other lacks",
			view{self: a, peers: []peer{b, more(less(c))}}, wait, "node-c", "other transactions"},
		{"each has something of their group that the other lacks", view{self: a,
			peers: []peer{b, mergeable(more(less(c)))}}, fetch, "node-c", "this copy lacks"},
		{"each has something of their group that the other lacks, and another one fetches",
			view{self: c.Status, peers: []peer{less(b), mergeable(more(less(
				waitingCopy("a", "a", "b", "c"))))}}, wait, "node-a", "fetches"},
		{"one that left has more",
			view{self: waitingCopy("b", "b", "c").Status,
				peers: []peer{more(waitingCopy("a", "a", "b", "c")), waitingCopy("c", "b", "c")}},
			wait, "node-a", "not in the last group"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := decide(test.view)
			if got.action != test.want || got.target.Node != test.target ||
				!strings.Contains(got.reason, test.reason) {
				t.Errorf("decide = %s %s (%s), want %s %s (%s)",
					got.action, got.target.Node, got.reason, test.want, test.target, test.reason)
			}
		})
	}
}
