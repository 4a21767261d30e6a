package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"simpleapp/internal/database"
)

// unlistedTime is how long Swarm's DNS may leave out a healthy replica. Usually it lists one at
// once. A health check is made every 5 s, and counts for checkedTime.
const unlistedTime, checkedTime = time.Minute, 30 * time.Second

// awaitUnlisted returns an error once the DNS has not listed this replica under name for the
// duration patience, although its health checks succeed. It returns nil when ctx ends.
//
// Swarm's DNS and mesh list a task when its first health check succeeds. If Swarm changes its
// leader at that moment, they may leave the task out for ever (moby#35508). Docker may also take
// the networks from a container: after a start that failed, its clean-up may hit the next start.
// Visitors do not reach such a replica, and Swarm calls it running.
func (h *health) awaitUnlisted(ctx context.Context, name string, patience time.Duration) error {
	var since time.Time // since when it is not listed; zero if it is, or is not healthy
	for {
		switch {
		case time.Since(time.Unix(h.checked.Load(), 0)) > checkedTime || listed(ctx, name):
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) >= patience:
			return fmt.Errorf("LISTED_AS: this replica is healthy, but %s does not list it: "+
				"visitors can't reach it, so it ends, and Swarm starts another one", name)
		}
		if !database.Pause(ctx, time.Second) {
			return nil
		}
	}
}

// listed tells whether the DNS lists an address of this container under name. Docker's DNS passes
// on names that it does not list to the DNS of the host. So an error of that DNS means that no
// replica is listed. If nothing answers for 10 s, this replica can't find the stores, either, and
// counts as not listed, too.
func listed(ctx context.Context, name string) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	own, ownErr := net.InterfaceAddrs()
	return err == nil && ownErr == nil && slices.ContainsFunc(own, func(a net.Addr) bool {
		network, ok := a.(*net.IPNet)
		return ok && slices.Contains(addresses, network.IP.String())
	})
}
