package main

import (
	"context"
	"testing"
	"time"
)

// A healthy replica that the DNS does not list under its name ends, so that Swarm starts another.
func TestUnlistedReplicaEnds(t *testing.T) {
	for name, test := range map[string]struct {
		listedAs string
		checked  time.Duration // how long ago the last health check succeeded
		ends     bool
	}{
		"others are listed": {"192.0.2.1", 0, true},
		"none is listed":    {"replicas.invalid", 0, true},
		"it is listed":      {"localhost", 0, false},
		"it is not healthy": {"192.0.2.1", time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &health{}
			if test.checked == 0 {
				if err := h.healthy(); err != nil {
					t.Fatal(err)
				}
			} else {
				h.checked.Store(time.Now().Add(-test.checked).Unix())
			}
			limit := 5 * time.Second
			if test.ends {
				limit = 25 * time.Second // the DNS may be slow; after 30 s the check is too old
			}
			ctx, stop := context.WithTimeout(t.Context(), limit)
			defer stop()
			err := h.awaitUnlisted(ctx, test.listedAs, 1500*time.Millisecond)
			if (err != nil) != test.ends {
				t.Errorf("awaitUnlisted = %v, want an error: %t", err, test.ends)
			}
		})
	}
}
