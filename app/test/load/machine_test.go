package load

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestGap(t *testing.T) {
	for _, test := range []struct {
		name              string
		confirmed, beaten time.Duration // how long ago
		want              time.Duration
	}{
		{"the machine ran", 10 * time.Second, 0, 10 * time.Second},
		{"it was busy", 10 * time.Second, standstill, 10 * time.Second},
		{"it paused", 10 * time.Second, 7 * time.Second, 3 * time.Second},
		{"it paused just after a confirmation", 7 * time.Second, 7100 * time.Millisecond, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				l := &Load{confirmed: now.Add(-test.confirmed), beaten: now.Add(-test.beaten)}
				l.gap()
				if l.report.Gap != test.want || l.report.Pause != test.beaten {
					t.Errorf("Gap = %v, Pause = %v, want %v, %v", l.report.Gap, l.report.Pause,
						test.want, test.beaten)
				}
				if l.confirmed != now || l.beaten != now {
					t.Errorf("confirmed %v, beaten %v, want %v", l.confirmed, l.beaten, now)
				}
			})
		})
	}
}
