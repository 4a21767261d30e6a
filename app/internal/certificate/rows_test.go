package certificate

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

// A process that stops during an order does not wait for a database that does not answer.
func TestDeleteTokensEndsWithTheContext(t *testing.T) {
	db := testsite.EmptySQLite(t)
	r := rows{db, Config{}}
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Update(t.Context(), func(*sql.Tx) error { // only one writer at a time
		cancel()
		begin := time.Now()
		r.deleteTokens(ctx)
		if took := time.Since(begin); took >= 2*time.Second {
			t.Errorf("deleteTokens took %v, want that it ends with the context", took)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A database that hangs does not make the authority, or anybody else who asks, wait for minutes.
func TestAnswerDoesNotWaitForADatabaseThatHangs(t *testing.T) {
	t.Parallel()
	db := testsite.EmptySQLite(t)
	for range db.Stats().MaxOpenConnections { // a query waits for a connection of the pool
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := New(Config{}, db, testsite.Quiet).Answer(ctx, "token")
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		t.Errorf("Answer = %v, and after 10 s: %v, want a timeout before", err, ctx.Err())
	}
}
