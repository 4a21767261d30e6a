package certificate

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"simpleapp/internal/database"
)

// rows reads and writes the rows of the table acme. The names of the rows, except those of tokens,
// contain a digest of the authority's URL. So an operator can try an authority's staging service
// first, and its account and certificate stay separate.
type rows struct {
	db  *database.DB
	cfg Config
}

func (r rows) accountRow() string     { return "account " + digest(r.cfg.Directory) }
func (r rows) certificateRow() string { return r.rowOf(r.cfg.Domains) }
func (r rows) attemptRow() string     { return "attempt " + r.id(r.cfg.Domains) }
func tokenRow(token string) string    { return "token " + token }

// rowOf returns the row of the certificate for these names.
func (r rows) rowOf(names []string) string { return "certificate " + r.id(names) }

// id returns a digest of the names in a certificate, and of the authority.
func (r rows) id(names []string) string {
	names = slices.Sorted(slices.Values(names))
	return digest(r.cfg.Directory + " " + strings.Join(names, " "))
}

func digest(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))[:32] }

// get returns the value of a row, or nil if there is no such row.
func (r rows) get(ctx context.Context, name string) (value []byte, err error) {
	err = r.db.QueryRowContext(ctx, "SELECT value FROM acme WHERE name = ?", name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return value, err
}

// set inserts a row, in place of the one of this name that there may be.
func (r rows) set(ctx context.Context, name string, value []byte) error {
	return r.db.Retry(ctx, func() error {
		return r.db.Write(ctx, database.Statement{
			SQL: "REPLACE INTO acme (name, value) VALUES (?, ?)", Args: []any{name, value}})
	})
}

// deleteTokens deletes the answers to challenges after an order. It deletes those of all orders,
// because an order whose process was killed leaves its own. If it fails, or if ctx has ended, the
// next order deletes them.
func (r rows) deleteTokens(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r.db.Write(ctx, database.Statement{SQL: "DELETE FROM acme WHERE name LIKE 'token %'"})
}

const maxName = 100 // characters that the column "name" of the table acme can hold

// tokenPattern matches the tokens of challenges, in base64url: RFC 8555, section 8.3.
var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// readTime is the timeout of Answer. Anybody may ask, not only the authority, and a query that
// waits takes a connection to the database from visitors.
const readTime = 3 * time.Second

// Answer returns the answer to a challenge of the authority, or "" if no replica awaits it.
func (k *Keeper) Answer(ctx context.Context, token string) (string, error) {
	if len(tokenRow(token)) > maxName || !tokenPattern.MatchString(token) {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	value, err := k.get(ctx, tokenRow(token))
	return string(value), err
}

func (r rows) attempt(ctx context.Context) (a Attempt, err error) {
	value, err := r.get(ctx, r.attemptRow())
	if err == nil && value != nil {
		err = json.Unmarshal(value, &a)
	}
	return a, err
}

func (r rows) setAttempt(ctx context.Context, a Attempt) error {
	value, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return r.set(ctx, r.attemptRow(), value)
}
