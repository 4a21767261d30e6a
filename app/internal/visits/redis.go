package visits

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/go-redis/redis/v8"

	"simpleapp/internal/database"
)

// totalKey is the key of the total, to which INCRBY adds.
const totalKey = "visits"

// batchExpiry is how long Redis keeps the last batch of a process. If an outage lasts longer, a
// retry of the batch may be counted twice.
const batchExpiry = 7 * 24 * time.Hour

// checkExpiry is how long Redis keeps the last check of a process. The checks come once a second.
const checkExpiry = time.Minute

// addScript adds a batch. If it receives the same batch again, it adds nothing and returns the
// total that it returned before. The arguments are:
//
//	KEYS: the key of the total, the key of the process's last batch
//	ARGV: the sequence number of the batch, the number of visits, the seconds until the batch
//	expires, the largest total that the process has seen
//
// The value of the last batch is "sequence total". A command with a smaller sequence number is
// late: it comes from a connection that timed out. Its batch was added already, because the Counter
// begins a batch only after the one before was added. The answer to it is not used.
var addScript = redis.NewScript(`
local last = redis.call('GET', KEYS[2])
if last then
  local seq, total = string.match(last, '^(%d+) (%d+)$')
  if tonumber(ARGV[1]) <= tonumber(seq) then return tonumber(total) end
end
local before = tonumber(redis.call('GET', KEYS[1]) or '0')
if before < tonumber(ARGV[4]) then redis.call('SET', KEYS[1], ARGV[4]) end
local total = redis.call('INCRBY', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. string.format('%.0f', total), 'EX', ARGV[3])
return total
`)

// RedisConfig names a Redis server and how to log in.
type RedisConfig struct {
	Addr string
	User string // empty for Redis's default user
	// Password is called for each new connection, so that a changed password is used.
	Password func() (string, error)
	// TLS verifies the server's certificate. If it is nil, the connection has no TLS.
	TLS *tls.Config
}

type redisStore struct{ client *redis.Client }

// OpenRedis returns a Counter that uses Redis. It does not connect. Until the server answers,
// visits are kept in memory. onBatch is called with the number of visits in each batch.
func OpenRedis(cfg RedisConfig, log *slog.Logger, onBatch func(visits int)) *Counter {
	if cfg.TLS != nil && cfg.TLS.ServerName == "" {
		cfg.TLS = cfg.TLS.Clone()
		cfg.TLS.ServerName, _, _ = net.SplitHostPort(cfg.Addr)
	}
	client := redis.NewClient(&redis.Options{
		Addr:       cfg.Addr,
		TLSConfig:  cfg.TLS,
		MaxRetries: -1, // the Counter retries
		PoolSize:   4,  // for one command of the Counter at a time, and for pings
		OnConnect: func(ctx context.Context, conn *redis.Conn) error {
			password, err := cfg.Password()
			if err != nil {
				return err
			}
			if cfg.User != "" {
				return conn.AuthACL(ctx, cfg.User, password).Err()
			}
			return conn.Auth(ctx, password).Err()
		},
		DialTimeout:  commandTime,
		ReadTimeout:  commandTime,
		WriteTimeout: commandTime,
		PoolTimeout:  commandTime,
		IdleTimeout:  4 * time.Minute,
		MaxConnAge:   4 * time.Minute,
	})
	return newCounter(redisStore{client}, log, onBatch)
}

func (s redisStore) add(ctx context.Context, process string, seq, n, seen int64) (int64, error) {
	return s.runScript(ctx, process, seq, n, batchExpiry, seen)
}

// canCount adds a batch without visits: a PING would succeed also on a read-only replica, when the
// memory is full, and for a user without the rights to count. The batch has a key of its own, so
// that it does not take the place of the last batch with visits. canCount passes 0 as seen. So it
// changes no total. In an empty Redis it creates a total of 0.
func (s redisStore) canCount(ctx context.Context, process string, seq int64) error {
	_, err := s.runScript(ctx, "check:"+process, seq, 0, checkExpiry, 0)
	return err
}

func (s redisStore) runScript(ctx context.Context, process string, seq, n int64,
	expiry time.Duration, seen int64) (int64, error) {
	keys := []string{totalKey, totalKey + ":batch:" + process}
	return addScript.Run(ctx, s.client, keys, seq, n, int(expiry.Seconds()), seen).Int64()
}

func (s redisStore) total(ctx context.Context) (int64, error) {
	total, err := s.client.Get(ctx, totalKey).Int64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return total, err
}

func (s redisStore) close() error { return s.client.Close() }

// Hint returns what an operator can do about an error of Redis or SQLite, or "" if it does not
// know.
func Hint(err error) string {
	says := func(words string) bool { return strings.Contains(err.Error(), words) }
	switch {
	case says("WRONGPASS"):
		return "Redis does not accept REDIS_USERNAME with the password in REDIS_PASSWORD_FILE: " +
			"correct the one that is wrong"
	case says("NOPERM"), says("The user executing the script can't"),
		says("ACL failure in script"): // since Redis 7.2, and Valkey
		return "the user may not count: give it the rights that docs/configuration.md names: " +
			"ACL SETUSER … ~visits* +@all -@admin -@dangerous"
	case says("READONLY"):
		return "this Redis is a replica that takes no writes: let REDIS_ADDR name the primary"
	case says("OOM command not allowed"):
		return "the memory of Redis is full: raise maxmemory, or remove keys of other programs"
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return "REDIS_TLS=verify: the server needs a certificate for the name in REDIS_ADDR, " +
			"from an authority in REDIS_TLS_CA_FILE"
	}
	return cmp.Or(database.HintNoServer(err, "REDIS_ADDR"), database.HintSQLite(err))
}
