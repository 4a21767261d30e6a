package certificate

import (
	"context"
	"database/sql"
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
		if took := time.Since(begin); took > time.Second {
			t.Errorf("deleteTokens took %v, want that it ends with the context", took)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
