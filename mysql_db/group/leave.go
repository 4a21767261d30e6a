package main

import (
	"context"
	"log"
	"slices"
	"time"
)

// leave takes this copy out of the group, before its server ends. If it is the primary, another
// copy becomes that first, so that the site goes on at once.
func (m *member) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), 45*time.Second)
	defer cancel()
	var self Status
	var err error
	for deadline := time.Now().Add(10 * time.Second); ; sleep(ctx, time.Second) {
		self, err = m.status(ctx)
		if err == nil && self.State == online {
			err = m.rememberGroup(ctx, self.record)
		}
		if err == nil || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		// Members that this copy does not know would go on without it, and after its next start it
		// might start a second group. If its server dies, they go on only as a majority.
		log.Printf("the server is killed, because the members of the group can't be noted: %v", err)
		m.server.kill()
		return
	}
	if self.State == online {
		if self.Primary {
			m.handOver(ctx)
		}
		m.awaitOthers(ctx)
	}
	if _, err := m.db.ExecContext(ctx, "STOP GROUP_REPLICATION"); err != nil {
		log.Printf("leave the group: %v", err)
		return
	}
	log.Print("this copy is in no group now")
}

// handOver makes another copy the primary, if there is one. It waits for one that is just getting
// the group's data, or that the app can't find in the DNS yet.
func (m *member) handOver(ctx context.Context) {
	for deadline := time.Now().Add(30 * time.Second); ; sleep(ctx, 500*time.Millisecond) {
		members, err := otherMembers(ctx, m.db)
		if err != nil {
			log.Printf("look for the next primary: %v", err)
			return
		}
		members = slices.DeleteFunc(members, func(o groupMember) bool { return !o.reachable })
		addresses, _ := peers(ctx, m.peersName, m.address)
		next, patient := "", time.Now().Before(deadline)
		for _, other := range members {
			if other.online && (!patient || slices.Contains(addresses, other.address)) {
				next = other.uuid
			}
		}
		if next != "" {
			if err := m.setPrimary(ctx, next); err != nil {
				log.Printf("hand the primary over to %s: %v", next, err)
			}
			return
		}
		if len(members) == 0 || !patient {
			return
		}
	}
}

// awaitOthers waits until all other members answer, or until the group has expelled those that do
// not. Otherwise this copy may leave a group of three just when another member has died: the third
// one is then one of two, can't expel the dead one, and confirms nothing until the dead one is
// back.
func (m *member) awaitOthers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		members, err := otherMembers(ctx, m.db)
		if err != nil {
			return
		}
		if !slices.Contains(m.ask(ctx, addressesOf(members)), nil) {
			return
		}
		sleep(ctx, 500*time.Millisecond)
	}
}

// setPrimary makes the copy with a server's uuid the primary. MySQL first waits until the open
// transactions end, and the old primary takes new writes meanwhile. If this fails or lasts longer
// than 10 s, setPrimary asks again with a timeout. MySQL then blocks new transactions until the
// primary has changed.
func (m *member) setPrimary(ctx context.Context, uuid string) error {
	began := time.Now()
	gentle, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := m.db.ExecContext(gentle, "SELECT group_replication_set_as_primary(?)", uuid)
	if err != nil {
		_, err = m.db.ExecContext(ctx, "SELECT group_replication_set_as_primary(?, 10)", uuid)
	}
	if err == nil {
		log.Printf("the primary was handed over in %.1f s", time.Since(began).Seconds())
	}
	return err
}

// sleep waits for some time, or until the context is cancelled.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
