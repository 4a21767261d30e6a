package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"simpleapp/internal/database"
)

// unlistedTime is how long Swarm's DNS may miss a healthy replica. Usually it lists one at once. A
// health check is made every 5 s, and counts for checkedTime.
const unlistedTime, checkedTime = 30 * time.Second, 30 * time.Second

// awaitUnlisted waits until the DNS has not listed this replica under name for patience, although
// its health checks succeed, and returns an error that says so. It returns nil when ctx ends.
//
// Swarm's DNS and mesh list a task when its first health check succeeds. A change of Swarm's leader
// at that moment may leave it out for ever (moby#35508). Docker may also take the networks from a
// container: if starting it has failed, the clean-up may hit the next start. Visitors do not reach
// such a replica, and Swarm calls it running.
func (h *health) awaitUnlisted(ctx context.Context, name string, patience time.Duration) error {
	var since time.Time // when it was missed first; zero if it is listed, or is not healthy
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

// listed tells whether the DNS lists an address of this machine under name. Docker's DNS passes a
// name that it does not list on to the machine's own, so every error means that it is not listed.
func listed(ctx context.Context, name string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	own, ownErr := net.InterfaceAddrs()
	return err == nil && ownErr == nil && slices.ContainsFunc(own, func(a net.Addr) bool {
		network, ok := a.(*net.IPNet)
		return ok && slices.Contains(addresses, network.IP.String())
	})
}
