//go:build servers

package visits_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/testsite"
	"simpleapp/internal/visits"
)

// A Redis that answers, and in which this user can't count, is no healthy store. The hint says what
// to do, and once that is done, the visits from before are counted.
func TestCanCountInRedis(t *testing.T) {
	for _, test := range []struct {
		name          string
		spoil, repair []any
		wantHint      string
	}{
		{"a user without INCRBY",
			[]any{"ACL", "SETUSER", "counter", "-incrby"},
			[]any{"ACL", "SETUSER", "counter", "+incrby"}, "the user may not count"},
		{"a user without scripts",
			[]any{"ACL", "SETUSER", "counter", "-evalsha", "-eval"},
			[]any{"ACL", "SETUSER", "counter", "+evalsha", "+eval"}, "the user may not count"},
		{"a user without the keys",
			[]any{"ACL", "SETUSER", "counter", "resetkeys", "~other*"},
			[]any{"ACL", "SETUSER", "counter", "~visits*"}, "the user may not count"},
		{"a replica",
			[]any{"REPLICAOF", "127.0.0.1", "1"},
			[]any{"REPLICAOF", "NO", "ONE"}, "let REDIS_ADDR name the primary"},
		{"a full memory",
			[]any{"CONFIG", "SET", "maxmemory", "1"},
			[]any{"CONFIG", "SET", "maxmemory", "0"}, "raise maxmemory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			openRedis(t) // empties the store
			client := redisServer.RedisClient()
			t.Cleanup(func() { client.Close() })
			do := func(args ...any) {
				t.Helper()
				if err := client.Do(t.Context(), args...).Err(); err != nil {
					t.Fatalf("%v: %v", args, err)
				}
			}
			do("ACL", "SETUSER", "counter", "reset", "on", ">its-password", "~visits*", "+@all")
			t.Cleanup(func() { // t.Context has ended by then
				if err := client.Do(context.Background(), test.repair...).Err(); err != nil {
					t.Errorf("%v: %v", test.repair, err)
				}
			})
			c := closeAtEnd(t, visits.OpenRedis(visits.RedisConfig{Addr: redisServer.Addr,
				User: "counter", Password: func() (string, error) { return "its-password", nil }},
				testsite.Quiet, unobserved))
			wantCanCount(t, c)
			wantVisit(t, c, 1)

			do(test.spoil...)
			err := c.CanCount(t.Context())
			if err == nil || !strings.Contains(visits.Hint(err), test.wantHint) {
				t.Errorf("CanCount = %v, want an error with the hint %q", err, test.wantHint)
			}
			if n, err := c.Visit(); !errors.Is(err, visits.ErrUnavailable) {
				t.Errorf("Visit = %d, %v, want ErrUnavailable", n, err)
			}

			do(test.repair...)
			wantCanCount(t, c)
			wantEventually(t, c, 2)
		})
	}
}

// CanCount leaves the total without an expiry. Its own key expires a minute after the last check.
func TestKeyOfCanCountExpires(t *testing.T) {
	c := openRedis(t)(unobserved)
	for range 2 {
		wantCanCount(t, c)
	}
	client := redisServer.RedisClient()
	defer client.Close()
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 2 {
		t.Errorf("the keys are %q, %v, want two", keys, err)
	}
	for _, key := range keys {
		left, err := client.TTL(t.Context(), key).Result()
		expires := left > 0 && left <= time.Minute
		if err != nil || expires == (key == "visits") {
			t.Errorf("%s expires in %v, %v, want that visits stays and the other key does not",
				key, left, err)
		}
	}
}
