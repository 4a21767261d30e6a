package main

import (
	"context"
	"fmt"
	"log"
	"time"
)

// fill waits until this copy, which has no data, may make a new site or can copy another one.
// It returns when serve can go on: with data, or at the first start of the site. It also returns
// when ctx ends. If copy was interrupted or gave up, copyingMark is still set.
func (m *member) fill(ctx context.Context) error {
	m.set(empty, "")
	for ctx.Err() == nil {
		_, d, err := m.look(ctx)
		if err != nil {
			return err
		}
		switch d.action {
		case makeSite:
			log.Print(d.reason)
			// With the mark of an interrupted copy, the next start would delete the new site.
			return m.folder.unmark(copyingMark)
		case copyData:
			return m.copy(ctx, d.target)
		}
		m.set(empty, d.reason)
		sleep(ctx, time.Second)
	}
	return nil
}

// copy copies the data of a donor. If that fails, it tries another member. If no copy that answers
// is in a group, and an operator sets permitMark meanwhile, copy returns with copyingMark still
// set: run then deletes what was copied, and fill decides again.
func (m *member) copy(ctx context.Context, donor Status) error {
	log.Printf("copying everything from %s", donor.Node)
	m.set(copying, "")
	// An interrupted first start leaves parts of a database, and a mark with which db-entrypoint
	// would delete the copied data.
	if err := m.folder.giveUp(); err != nil {
		return err
	}
	// A permission to start a group is from before this group was found.
	if err := m.folder.unmark(firstStartMark, newSiteMark, permitMark); err != nil {
		return err
	}
	begin := time.Now()
	initialize, err := startServer("mysqld", append(m.options, "--initialize-insecure")...)
	if err != nil {
		return err
	}
	<-initialize.ended
	if initialize.err != nil {
		return fmt.Errorf("mysqld --initialize-insecure: %w", initialize.err)
	}
	s, err := startServer("mysqld", append(m.options, "--skip-networking")...)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.await(ctx, m.db.PingContext); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	for {
		err := copyFrom(ctx, m.db, donor.Address, m.password)
		if err == nil {
			break
		}
		m.set(copying, fmt.Sprintf("can't copy from %s: %v", donor.Node, err)) // it may be busy
		select {
		case <-s.ended:
			return fmt.Errorf("mysqld ended: %v", s.err)
		default:
		}
		if sleep(ctx, 2*time.Second); ctx.Err() != nil {
			return nil
		}
		addresses, _ := peers(ctx, m.peersName, m.address)
		var next *Status // rather not the primary, as in decide
		for _, other := range m.ask(ctx, addresses) {
			if other != nil && other.State == online && (next == nil || !other.Primary) {
				next = other
			}
		}
		switch {
		case next != nil:
			donor = *next
		case m.folder.has(permitMark):
			return nil
		}
	}
	<-s.ended
	now, err := askOne(ctx, donor.Address, proofOf(m.password))
	if err == nil && now.State == online {
		donor = now // others may have joined during the copy
	}
	log.Printf("copied in %v", time.Since(begin).Round(time.Second))
	// Without a record the group would refuse this copy, because its data would look older than the
	// group. It has not joined yet, so it remembers the donor's group and members.
	if err := m.folder.remember(donor.record); err != nil {
		return err
	}
	return m.folder.unmark(discardMark, permitMark, confirmingMark, copyingMark)
}

// mayCopy returns true if this copy can log in to the donor whose data will take the place of its
// own. Otherwise it keeps what it has, and waits.
func (m *member) mayCopy(ctx context.Context, d decision) bool {
	donor := openOther(d.target.Address, m.password)
	defer donor.Close()
	if err := donor.PingContext(ctx); err != nil {
		m.set("", fmt.Sprintf("it can't copy everything from %s: %v", d.target.Node, err))
		return false
	}
	log.Print(d.reason)
	return true
}

// yield takes back the permission to make a new site. A database that this copy has made meanwhile
// is discarded if it has nothing of visitors.
func (m *member) yield(self Status) error {
	if self.State != empty && self.NewSite {
		if err := m.folder.mark(discardMark); err != nil {
			return err
		}
	}
	return m.folder.unmark(newSiteMark)
}
