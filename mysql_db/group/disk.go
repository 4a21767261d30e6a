package main

import (
	"context"
	"fmt"
	"log"
	"time"
)

// On a full disk MySQL neither confirms nor refuses a transaction. It waits for room. The group
// already has the transaction, so the whole site waits.
const (
	// scarceMB is the free space in megabytes below which a copy hands over as the primary.
	// bin/db-healthcheck warns of the same space.
	scarceMB = 64
	// fullMB is the free space below which MySQL may be waiting. It can't start then either.
	fullMB = 16
)

// noRoom is what make status says of a copy whose disk has less than scarceMB, and what a copy says
// that can't start because it has less than fullMB.
const noRoom = "its disk has too little room: on that machine, docker system df shows what " +
	"Docker holds, and docker system prune frees it"

// errFull says that the others have to go on without this copy, until there is room.
var errFull = fmt.Errorf("the disk of this copy is full, and the others go on without it: %w",
	errEndServer)

// makeWay is called when this copy's disk has less than scarceMB. It hands the primary over to a
// copy that has room, if there is one. A copy with a full disk can't hand over, because its waiting
// commits never end. In that case makeWay returns errFull, if the copies whose disks are not full
// are a majority.
func (m *member) makeWay(ctx context.Context, self Status) error {
	addresses, _ := peers(ctx, m.peersName, m.address)
	var withRoom []*Status
	notFull := 0
	for _, other := range m.ask(ctx, addresses) {
		if other == nil || other.State != online {
			continue
		}
		if other.FreeMB >= fullMB {
			notFull++
		}
		// Twice as much, so that no two copies hand over to each other in turn.
		if other.FreeMB >= 2*scarceMB {
			withRoom = append(withRoom, other)
		}
	}
	full := self.FreeMB < fullMB
	switch {
	case full && 2*notFull > len(self.Members):
		return errFull
	case full, !self.Primary, len(withRoom) == 0:
		return nil
	}
	next := withRoom[0]
	log.Printf("%d MB are free on the disk: %s becomes the primary", self.FreeMB, next.Node)
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := m.setPrimary(ctx, next.UUID); err != nil {
		log.Printf("hand the primary over to %s: %v", next.Node, err) // the next step tries again
	}
	return nil
}
