package tally

import (
	"slices"
	"time"
)

// dayBounds returns when each of the last n days of a zone began, oldest first, and when today
// ends.
//
// A day begins at the first instant that has its date, and ends where the next one begins. So every
// instant belongs to exactly one day, also where the clock is changed around midnight:
//   - Where midnight does not exist, the day begins later (America/Santiago, 2026-09-06, 01:00).
//   - Where a whole date does not exist, it is no day (Pacific/Apia, 2011-12-30).
//   - Where the clock goes back from after midnight to before it, the hour that the clock shows
//     once more belongs to the day that has begun already (America/St_Johns, until 2010).
func dayBounds(now time.Time, n int, zone *time.Location) []time.Time {
	var bounds []time.Time
	year, month, day := now.In(zone).Date()
	// In the last case above, today is the day after the date that the clock shows now.
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

// dayBegin returns the first instant at which the clocks of a zone show a date or, if they skip it,
// a later one. The date is given as its midnight in UTC. No zone is a whole day away from UTC, so
// the instant is less than a day away from midnight.
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
	// The clocks are changed around this day. Time.ZoneBounds would tell when, but it is wrong on
	// the last day of a leap year (Go 1.26).
	for begin.Add(offset(begin)).Before(midnight) {
		begin = begin.Add(quarter)
	}
	return begin.In(zone)
}
