package tally

import (
	"archive/zip"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/database"
)

// allZones returns every zone of the Go toolchain's time zone database, or of the system's database
// if the Go distribution has none. If several zones have the same data, it returns one of them.
func allZones(t *testing.T) map[string]*time.Location {
	t.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	zoneFiles := os.DirFS("/usr/share/zoneinfo")
	goFile := filepath.Join(strings.TrimSpace(string(goroot)), "lib/time/zoneinfo.zip")
	archive, err := zip.OpenReader(goFile)
	if err == nil {
		defer archive.Close()
		zoneFiles = archive
	}
	zones := make(map[string]*time.Location)
	seen := make(map[string]bool)
	err = fs.WalkDir(zoneFiles, ".", func(path string, entry fs.DirEntry, err error) error {
		// The system's database has two more variants of each zone, in these folders.
		variant := strings.HasPrefix(path, "posix/") || strings.HasPrefix(path, "right/")
		if err != nil || entry.IsDir() || variant {
			return err
		}
		data, err := fs.ReadFile(zoneFiles, path)
		if err != nil || !strings.HasPrefix(string(data), "TZif") || seen[string(data)] {
			return err
		}
		seen[string(data)] = true
		zones[path], err = time.LoadLocationFromTZData(path, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(zones) < 300 {
		t.Fatalf("%d time zones, want at least 300", len(zones))
	}
	return zones
}

// dateOf returns the date of an instant in its zone, as a number of days.
func dateOf(at time.Time) int64 {
	year, month, day := at.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

// changes returns the days on which the offset of a zone is not the same as a day earlier.
func changes(zone *time.Location, from, to time.Time) (days []time.Time) {
	_, before := from.In(zone).Zone()
	for at := from; at.Before(to); at = at.AddDate(0, 0, 1) {
		_, offset := at.In(zone).Zone()
		if offset != before {
			days = append(days, at)
		}
		before = offset
	}
	return days
}

// The expected days are found in another way: by walking through the quarters of an hour around
// each change of the clocks, and noting the first one with each date.
func TestDayBounds(t *testing.T) {
	from := time.Date(1993, 1, 1, 0, 0, 0, 0, time.UTC)
	to := time.Date(2041, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, zone := range allZones(t) {
		for _, change := range changes(zone, from, to) {
			first := make(map[int64]time.Time)
			at := change.AddDate(0, 0, -4).In(zone)
			for ; at.Before(change.AddDate(0, 0, 3)); at = at.Add(quarter) {
				date := dateOf(at)
				if _, seen := first[date]; !seen {
					first[date] = at
				}
			}
			for _, hours := range []time.Duration{-30, 0, 30} {
				now := change.Add(hours * time.Hour)
				checkDayBounds(t, name, now, dayBounds(now, 2, zone), first)
			}
		}
	}
}

// checkDayBounds checks the bounds of two days, the second of which is today. first has the first
// instant of each date.
func checkDayBounds(
	t *testing.T, zone string, now time.Time, bounds []time.Time, first map[int64]time.Time,
) {
	t.Helper()
	if len(bounds) != 3 || now.Before(bounds[1]) || !now.Before(bounds[2]) {
		t.Errorf("%s: dayBounds(%v) = %v, want two days, the second with now in it",
			zone, now, bounds)
		return
	}
	next := dateOf(bounds[0])
	for _, begin := range bounds {
		date := dateOf(begin)
		for ; next < date; next++ {
			if at, exists := first[next]; exists {
				t.Errorf("%s: the day that begins at %v is missing", zone, at)
			}
		}
		if !begin.Equal(first[date]) || next != date {
			t.Errorf("%s: a day begins at %v, want %v, and every date once",
				zone, begin, first[date])
		}
		if !begin.Equal(begin.Truncate(quarter)) {
			t.Errorf("%s: a day begins at %v, want a full quarter of an hour", zone, begin.UTC())
		}
		next++
	}
}

func TestDayBoundsOfKnownDays(t *testing.T) {
	for _, test := range []struct{ name, zone, now, want string }{
		{"a common day", "Asia/Singapore", "2026-11-25T10:00:00Z",
			"11-23 00:00, 11-24 00:00, 11-25 00:00, 11-26 00:00"},
		{"no midnight", "America/Santiago", "2026-09-07T12:00:00Z",
			"09-05 00:00, 09-06 01:00, 09-07 00:00, 09-08 00:00"},
		{"no midnight in UTC either", "Atlantic/Azores", "2027-03-28T12:00:00Z",
			"03-26 00:00, 03-27 00:00, 03-28 01:00, 03-29 00:00"},
		{"midnight twice", "America/Havana", "2026-11-01T12:00:00Z",
			"10-30 00:00, 10-31 00:00, 11-01 00:00, 11-02 00:00"},
		{"the last hour of a day twice", "America/Santiago", "2026-04-05T03:30:00Z",
			"04-02 00:00, 04-03 00:00, 04-04 00:00, 04-05 00:00"},
		{"no such date", "Pacific/Apia", "2011-12-31T00:00:00Z",
			"12-28 00:00, 12-29 00:00, 12-31 00:00, 01-01 00:00"},
		{"back across midnight, before", "America/St_Johns", "2010-11-07T02:29:00Z",
			"11-04 00:00, 11-05 00:00, 11-06 00:00, 11-07 00:00"},
		{"back across midnight, after", "America/St_Johns", "2010-11-07T02:45:00Z",
			"11-05 00:00, 11-06 00:00, 11-07 00:00, 11-08 00:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			zone, err := time.LoadLocation(test.zone)
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse(time.RFC3339, test.now)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, begin := range dayBounds(now, 3, zone) {
				got = append(got, begin.Format("01-02 15:04"))
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("dayBounds(%s) in %s = %s, want %s",
					test.now, test.zone, strings.Join(got, ", "), test.want)
			}
		})
	}
}

// A submission near a midnight that does not exist is counted once, on the date that the clocks
// showed.
func TestDaysAroundAMissingMidnight(t *testing.T) {
	for _, test := range []struct {
		zone  string
		begin string           // when the clocks skip a midnight
		want  map[string]int64 // submissions by date; the other days have none
	}{
		{"America/Santiago", "2026-09-06T04:00:00Z",
			map[string]int64{"2026-09-05": 1, "2026-09-06": 2, "2026-09-07": 1}},
		{"Pacific/Apia", "2011-12-30T10:00:00Z",
			map[string]int64{"2011-12-29": 1, "2011-12-31": 2, "2012-01-01": 1}},
	} {
		t.Run(test.zone, func(t *testing.T) {
			zone, err := time.LoadLocation(test.zone)
			if err != nil {
				t.Fatal(err)
			}
			begin, err := time.Parse(time.RFC3339, test.begin)
			if err != nil {
				t.Fatal(err)
			}
			db, err := database.OpenSQLite(filepath.Join(t.TempDir(), "x.db"))
			if err != nil {
				t.Fatal(err)
			}
			counts := New(db)
			defer func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}()
			for _, after := range []time.Duration{
				-time.Millisecond, 0, 22 * time.Hour, 25 * time.Hour,
			} {
				item := Item{Food: "Pizza", Country: "CL", At: begin.Add(after)}
				if err := db.Write(t.Context(), Log([]Item{item})); err != nil {
					t.Fatal(err)
				}
			}
			if err := counts.Fold(t.Context()); err != nil {
				t.Fatal(err)
			}
			days, err := counts.days(t.Context(), begin.Add(30*time.Hour), zone)
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[string]int64)
			for _, day := range days {
				if day.N > 0 {
					got[day.Date.Format(time.DateOnly)] += day.N
				}
			}
			if !maps.Equal(got, test.want) {
				t.Errorf("days = %v, want %v", got, test.want)
			}
		})
	}
}
