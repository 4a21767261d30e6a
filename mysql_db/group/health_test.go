package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A healthy copy that Swarm's DNS does not list ends, so that Swarm starts it again.
func TestUnlistedCopyEnds(t *testing.T) {
	const elsewhere = "192.0.2.1"
	for name, test := range map[string]struct {
		name, address string
		checked       time.Duration // how long ago the last health check succeeded
		state         state
		ends          bool
	}{
		"others are listed": {"localhost", elsewhere, 0, empty, true},
		"none is listed":    {"copies.invalid", elsewhere, 0, empty, true},
		"it is listed":      {"localhost", "127.0.0.1", 0, empty, false},
		"it is not healthy": {"localhost", elsewhere, time.Minute, empty, false},
		"it is copying":     {"localhost", elsewhere, 0, copying, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			mark := filepath.Join(data, "healthy")
			if err := os.WriteFile(mark, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			checked := time.Now().Add(-test.checked)
			if err := os.Chtimes(mark, checked, checked); err != nil {
				t.Fatal(err)
			}
			m := &member{peersName: test.name, address: test.address, folder: folder(data),
				phase: test.state, healthMark: mark, listing: 1500 * time.Millisecond}
			patience := 5 * time.Second
			if test.ends {
				patience = 25 * time.Second // the DNS may be slow; after 30 s the mark is too old
			}
			limit, stop := context.WithTimeout(t.Context(), patience)
			defer stop()
			ctx, end := context.WithCancelCause(limit)
			defer end(nil)
			m.watchOthers(ctx, end)
			if got := context.Cause(ctx); errors.Is(got, errUnlisted) != test.ends {
				t.Errorf("the copy ended because of %v, want errUnlisted = %t", got, test.ends)
			}
		})
	}
}
