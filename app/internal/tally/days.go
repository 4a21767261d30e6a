package tally

import (
	"slices"
	"time"
)

// dayBounds returns n+1 times: the beginnings of the last n days in a zone, oldest first, and then
// the end of today.
//
// A day begins at the first instant that has its date, and ends when the next day begins. Every
// instant belongs to exactly one day, even if the clocks change around midnight:
//   - If midnight does not exist, the day begins later (America/Santiago, 2026-09-06, 01:00).
//   - If a whole date does not exist, it is not a day (Pacific/Apia, 2011-12-30).
//   - If the clocks go back from after midnight to before midnight, the repeated time before
//     midnight belongs to the day that has already begun (America/St_Johns, until 2010).
func dayBounds(now time.Time, n int, zone *time.Location) []time.Time {
	var bounds []time.Time
	year, month, day := now.In(zone).Date()
	// The loop finds the bounds from the newest to the oldest. The newest is the end of today: the
	// beginning of day + 1, or of day + 2 if day + 1 has already begun (the last case above).
	for date := day + 2; len(bounds) <= n; date-- {
		begin := dayBegin(time.Date(year, month, date, 0, 0, 0, 0, time.UTC), zone)
		switch {
		case len(bounds) == 1 && begin.After(now):
			bounds[0] = begin
		case len(bounds) == 0 || begin.Before(bounds[len(bounds)-1]):
			bounds = append(bounds, begin)
		}
	}
	slices.Reverse(bounds)
	return bounds
}

// dayBegin returns the first instant at which the clocks of a zone show a date. If they skip the
// date, it returns the first instant with a later date. midnight is the beginning of the date in
// UTC. Every zone is less than a day away from UTC, so the result is less than a day away from
// midnight.
func dayBegin(midnight time.Time, zone *time.Location) time.Time {
	const day = 24 * time.Hour
	offset := func(at time.Time) time.Duration {
		_, seconds := at.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	begin := midnight.Add(-day)
	if same := offset(begin); offset(midnight.Add(day)) == same {
		return midnight.Add(-same).In(zone)
	}
	// The clocks change around this day. Time.ZoneBounds should return when, but it is wrong on the
	// last day of a leap year (Go 1.26).
	for begin.Add(offset(begin)).Before(midnight) {
		begin = begin.Add(quarter)
	}
	return begin.In(zone)
}
