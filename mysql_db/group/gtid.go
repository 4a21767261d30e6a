package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A gtidSet has the intervals of transactions of each source, as MySQL writes them:
// UUID:1-5:7,UUID:TAG:1-3. Its intervals neither overlap nor touch.
type gtidSet map[string][]interval

// An interval is from first to last, both included.
type interval struct{ first, last int64 }

// parseGTIDs parses a GTID set. It ignores the parts that are none.
func parseGTIDs(text string) gtidSet {
	set := gtidSet{}
	for part := range strings.SplitSeq(text, ",") {
		source := ""
		for i, field := range strings.Split(strings.TrimSpace(part), ":") {
			from, to, isRange := strings.Cut(field, "-")
			first, err := strconv.ParseInt(from, 10, 64)
			if i == 0 || err != nil {
				source += ":" + field // the UUID or a tag
				continue
			}
			last := first
			if isRange {
				last, _ = strconv.ParseInt(to, 10, 64)
			}
			set[source] = append(set[source], interval{first, last})
		}
	}
	for source, intervals := range set {
		slices.SortFunc(intervals, func(a, b interval) int { return cmp.Compare(a.first, b.first) })
		merged := intervals[:1]
		for _, next := range intervals[1:] {
			if end := &merged[len(merged)-1]; next.first <= end.last+1 {
				end.last = max(end.last, next.last)
			} else {
				merged = append(merged, next)
			}
		}
		set[source] = merged
	}
	return set
}

// count returns how many transactions the set has.
func (s gtidSet) count() (n int64) {
	for _, intervals := range s {
		for _, i := range intervals {
			n += i.last - i.first + 1
		}
	}
	return n
}

// differsOnlyIn tells whether s has no transaction that another set lacks, except for those of one
// source, given by its UUID.
func (s gtidSet) differsOnlyIn(uuid string, other gtidSet) bool {
	for source, intervals := range s {
		if source != ":"+uuid && (gtidSet{source: intervals}).without(other) > 0 {
			return false
		}
	}
	return true
}

// without returns how many transactions the set has that another one lacks.
func (s gtidSet) without(other gtidSet) int64 {
	n := s.count()
	for source, intervals := range s {
		for _, a := range intervals {
			for _, b := range other[source] {
				n -= max(0, min(a.last, b.last)-max(a.first, b.first)+1)
			}
		}
	}
	return n
}
