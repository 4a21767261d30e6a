package web

import (
	"testing"
	"time"
)

func TestZone(t *testing.T) {
	for _, test := range []struct{ name, summer, winter string }{
		{"UTC", "UTC", "UTC"},
		{"Asia/Singapore", "UTC+08:00", "UTC+08:00"},
		{"America/St_Johns", "UTC-02:30", "UTC-03:30"},
		{"Europe/London", "UTC+01:00", "UTC"},
	} {
		location, err := time.LoadLocation(test.name)
		if err != nil {
			t.Fatal(err)
		}
		summer := zone(time.Date(2026, time.July, 1, 0, 0, 0, 0, location))
		winter := zone(time.Date(2026, time.January, 1, 0, 0, 0, 0, location))
		if summer != test.summer || winter != test.winter {
			t.Errorf("%s: %s in summer, %s in winter, want %s, %s",
				test.name, summer, winter, test.summer, test.winter)
		}
	}
}
