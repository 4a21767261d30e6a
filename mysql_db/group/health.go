package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// healthy waits until this copy may be in the DNS, and then prints its state. It may be there if it
// is a member of the group, or if the group refuses it. If no copy is in a group, it may be there
// if the others have to find it: it has data, or is permitted to make a site or to start a group.
// An empty copy without a permission is never healthy: nobody needs it, and Swarm starts it again
// from time to time. A copy that catches up is not healthy yet, so that an update stops the next
// copy only when this one can take over. Docker ends a container after four failures, so healthy
// also waits while the copy is filled or catches up, which takes long if the database is large.
func healthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 55*time.Minute) // less than HEALTHCHECK --timeout
	defer cancel()
	const patience = 280 * time.Second
	for deadline := time.Now().Add(patience); ; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet,
			"http://127.0.0.1:"+port+"/healthy", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				fmt.Printf("%s\n", body)
				return nil
			}
			if resp.StatusCode == http.StatusAccepted { // it is copying or joining
				deadline = time.Now().Add(patience)
			}
			err = errors.New(strings.TrimSpace(string(body)))
		}
		if sleep(ctx, time.Second); ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("this copy is not ready: %w", err)
		}
	}
}

// errUnlisted says that others can't find this copy. Swarm leaves a healthy container out of its
// DNS for ever if the managers elected a leader while it became healthy (moby#35508, moby#37535).
var errUnlisted = errors.New(
	"this copy is healthy, but not in Swarm's DNS: its container starts again")

// passedCheck tells whether the container's health check has succeeded in the last half minute.
// Docker makes the check every 5 s. Its DNS lists only containers that pass.
func (m *member) passedCheck() bool {
	mark, err := os.Stat(m.healthMark)
	return err == nil && time.Since(mark.ModTime()) < 30*time.Second
}

// dispensable tells whether the others can do without this copy, which the DNS does not list, for a
// moment. A waiting or empty copy is always dispensable. So is the only member of a group, because
// the app can't find a copy that is not listed. Any other member is dispensable only if all others
// are online. Of several that the DNS does not list, the one with the lowest address goes first.
// listed are the addresses of the other copies in the DNS. If there are none, the DNS may have
// failed, and such a member stays.
func (m *member) dispensable(ctx context.Context, listed []string) bool {
	self, err := m.status(ctx)
	if err != nil {
		return false
	}
	if self.State != online {
		return self.State == waiting || self.State == empty
	}
	others, err := otherMembers(ctx, m.db)
	if err != nil || len(others) > 0 && len(listed) == 0 {
		return false
	}
	return !slices.ContainsFunc(others, func(other groupMember) bool {
		unlisted := !slices.Contains(listed, other.address)
		return !other.online || unlisted && other.address < m.address
	})
}
