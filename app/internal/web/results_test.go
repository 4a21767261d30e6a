package web

import (
	"testing"
	"time"

	"simpleapp/internal/tally"
)

// In 2026 the clocks of London changed on October 25.
func TestDaysNameTheirTimeZone(t *testing.T) {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	for last, want := range map[int]string{
		20: "UTC+01:00", 25: "UTC+01:00", 26: "UTC+01:00, later UTC",
	} {
		days := line{
			tally.Day{Date: time.Date(2026, 10, 1, 0, 0, 0, 0, london)},
			tally.Day{Date: time.Date(2026, 10, last, 0, 0, 0, 0, london)},
		}
		if got := days.Zone(); got != want {
			t.Errorf("the days up to October %d are in %q, want %q", last, got, want)
		}
	}
}
