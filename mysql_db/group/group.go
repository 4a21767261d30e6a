package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"slices"
	"strings"
)

// start starts a group of one. The group has a new UUID: a missing copy may have transactions of
// the last group that no other copy has, and no new transaction may get the same GTID. If start
// can't get the lock in each copy, it only says so in the Status. If MySQL does not start the
// group, start ends the server, and returns an error that contains errEndServer. The permission
// stays until this copy is a member (rememberGroup), so that an operator can still take it back.
func (m *member) start(ctx context.Context, v view, reason string) error {
	unlock, err := lock(ctx, m.db, v.peers, m.password)
	if err != nil {
		m.set("", fmt.Sprintf("it can't start the group yet: %v", err))
		return nil
	}
	defer unlock()
	if v.permitted && !m.folder.has(permitMark) {
		return errors.New("start the group: the permission was taken back")
	}
	log.Printf("starting the group: %s", reason)
	m.set("", "")
	if err := m.folder.mark(confirmingMark); err != nil {
		return fmt.Errorf("start the group: %w", err)
	}
	group := newUUID()
	err = startReplication(ctx, m.db, group, m.password, nil, true)
	if err == nil {
		err = m.folder.remember(record{Group: group, Members: []string{v.self.UUID}})
	}
	if err != nil {
		// MySQL may go on with a start that took too long. The locks are held until it can't, so
		// that no other copy starts the group meanwhile.
		m.server.kill()
		return fmt.Errorf("start the group: %w: %w", err, errEndServer)
	}
	return nil
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// rememberGroup keeps the record of a member up to date: it lists the members and the copies that
// are about to join, before they are members. Otherwise a member that dies just when others have
// joined would not know them, and could start a second group by itself. rememberGroup also removes
// the marks, which have served their purpose.
func (m *member) rememberGroup(ctx context.Context, before record) error {
	m.set("", "")
	now, err := readGroup(ctx, m.db)
	if err != nil || len(now.Members) == 0 {
		return err // what is not known changes nothing
	}
	if err := m.noteLeft(ctx, before, &now); err != nil {
		return err
	}
	members := slices.Clone(now.Members)
	now.Members = append(now.Members, m.joinersOf(now)...)
	slices.Sort(now.Members)
	now.Members = slices.Compact(now.Members)
	if now.equal(before) {
		err = m.folder.touch()
	} else {
		log.Printf("the group's %d copies, with those about to join: %s; still needed: %s",
			len(now.Members), strings.Join(now.Members, ", "),
			cmp.Or(strings.Join(now.Left, ", "), "none"))
		err = m.folder.remember(now)
	}
	if err != nil {
		return err
	}
	m.members = members
	return m.folder.unmark(permitMark, newSiteMark, discardMark, confirmingMark)
}

// noteLeft lists the members that left, until this copy has executed all that it had received from
// the group when they left. MySQL forgets the rest when its server ends, and then only those that
// left may have it.
func (m *member) noteLeft(ctx context.Context, before record, now *record) error {
	earlier := m.members
	if earlier == nil && before.Group == now.Group {
		earlier = before.Members // this copy has just joined
	}
	for _, uuid := range earlier {
		if !slices.Contains(now.Members, uuid) {
			now.Left = append(now.Left, uuid)
			m.catchUp = catchUp{}
		}
	}
	if now.Group == before.Group {
		now.Left = append(now.Left, before.Left...)
	}
	now.Left = slices.DeleteFunc(now.Left, func(uuid string) bool {
		return slices.Contains(now.Members, uuid)
	})
	slices.Sort(now.Left)
	now.Left = slices.Compact(now.Left)
	if len(now.Left) == 0 {
		return nil
	}
	done, err := m.catchUp.step(ctx, m.db)
	if done {
		now.Left = nil
	}
	return err
}

// forgetLeft lets the group forget the addresses of members that left. MySQL keeps the group's last
// configurations. Members go on dialling a dead one's address in these, and a copy that joins
// again dials its own old one. Each time the member receives nothing for a second, and writes wait.
func (m *member) forgetLeft(ctx context.Context, self Status) error {
	others, err := otherMembers(ctx, m.db)
	if err != nil {
		return err
	}
	addresses := addressesOf(others)
	for _, a := range m.others {
		m.left = m.left || !slices.Contains(addresses, a)
	}
	m.others = addresses
	if !m.left || !self.Primary || self.Queue > 0 {
		return nil
	}
	conn, allOnline, err := takeJoinLock(ctx, m.db)
	if err != nil || conn == nil {
		return err // the next step tries again
	}
	defer endSession(conn)
	if !allOnline {
		return nil
	}
	err = renewConfiguration(ctx, conn)
	m.left = err != nil
	return err
}
