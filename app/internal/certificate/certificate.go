// Package certificate keeps the site's TLS certificate. It orders the certificate from an authority
// by ACME (RFC 8555), and renews it.
//
// All replicas share one certificate, one account and the answers to the authority's challenges
// through the database. So any replica answers the challenge of another one, and a new replica has
// the certificate at once. golang.org/x/crypto/acme/autocert would not do: each of its managers
// orders for itself, and its renewals fail without a word.
package certificate

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"simpleapp/internal/database"
)

// Config says which certificate a Keeper keeps.
type Config struct {
	Domains   []string       // the names of the site
	Email     string         // where the authority writes to
	Directory string         // the URL of the authority's directory
	Roots     *x509.CertPool // the authorities that Directory may have its certificate from, or nil
	// Settle is how long a process runs before it orders. The authority connects to port 80 of the
	// names, and a balancer leads nobody to a replica that has just started.
	Settle time.Duration
}

// A Keeper keeps the certificate of a site. Use New to make one.
type Keeper struct {
	rows
	db      *database.DB
	log     *slog.Logger
	client  *http.Client
	current atomic.Pointer[loaded]
}

// A loaded is a certificate with the value of its row, from which it was parsed.
type loaded struct {
	*tls.Certificate
	value []byte
}

// New returns a Keeper. It does nothing until Start.
func New(cfg Config, db *database.DB, log *slog.Logger) *Keeper {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: cfg.Roots}
	return &Keeper{rows: rows{db, cfg}, db: db, log: log,
		client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

// ErrNone is the error of GetCertificate while there is no certificate.
var ErrNone = errors.New("the site has no certificate yet")

// GetCertificate returns the certificate. It is for tls.Config.
func (k *Keeper) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if current := k.current.Load(); current != nil {
		return current.Certificate, nil
	}
	return nil, ErrNone
}

// Expiry returns when the certificate ends, or the zero time while there is none.
func (k *Keeper) Expiry() time.Time {
	if current := k.current.Load(); current != nil {
		return current.Leaf.NotAfter
	}
	return time.Time{}
}

// Domains returns the names of the site.
func (k *Keeper) Domains() []string { return k.cfg.Domains }

const (
	// Another replica may have renewed the certificate. Each one looks that often.
	lookEvery = time.Minute
	// The first certificate of a site is awaited, so each replica looks more often.
	lookForFirst = time.Second
)

// Start begins to keep the certificate: it loads it from the database, and orders one when there is
// none or when the last third of its time has begun. The caller must call stop.
func (k *Keeper) Start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		k.run(ctx)
		close(ended)
	}()
	return func() {
		cancel()
		<-ended
	}
}

func (k *Keeper) run(ctx context.Context) {
	var logged string // the latest error of the database
	for settled := time.Now().Add(k.cfg.Settle); ; {
		err := k.load(ctx)
		if now := time.Now(); err == nil && now.After(settled) && k.isDue(now) {
			err = k.orderIfNobodyDoes(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			logged = ""
		case err.Error() != logged:
			logged = err.Error()
			k.log.Error("the certificate can't be kept in the database", "err", err,
				"hint", cmp.Or(database.Hint(err), "it is tried again until it works"))
		}
		if !database.Pause(ctx, k.untilNextLook()) {
			return
		}
	}
}

func (k *Keeper) untilNextLook() time.Duration {
	current := k.current.Load()
	if current == nil {
		return lookForFirst
	}
	return min(max(time.Until(renewalOf(current.Leaf)), lookForFirst), lookEvery)
}

// renewalOf returns when a certificate is renewed.
func renewalOf(c *x509.Certificate) time.Time {
	return c.NotAfter.Add(-c.NotAfter.Sub(c.NotBefore) / 3)
}

func (k *Keeper) isDue(now time.Time) bool {
	current := k.current.Load()
	return current == nil || !now.Before(renewalOf(current.Leaf))
}

// load loads the certificate from the database, if it is not the one that k has.
func (k *Keeper) load(ctx context.Context) error {
	value, err := k.get(ctx, k.certificateRow())
	current := k.current.Load()
	if err != nil || value == nil || current != nil && bytes.Equal(value, current.value) {
		return err
	}
	certificate, err := tls.X509KeyPair(value, value)
	if err != nil {
		return err
	}
	k.current.Store(&loaded{&certificate, value})
	k.log.Info("certificate loaded", "names", certificate.Leaf.DNSNames,
		"until", certificate.Leaf.NotAfter)
	return nil
}

// orderIfNobodyDoes orders a certificate, unless another replica is ordering it or has just done
// so, or the pause after a failure has not passed. It returns errors of the database only.
func (k *Keeper) orderIfNobodyDoes(ctx context.Context) error {
	if before, err := k.attempt(ctx); err != nil || time.Now().Before(before.Next) {
		return err
	}
	unlock, locked, err := k.db.TryLock(ctx, "certificate", orderTime)
	if err != nil || !locked {
		return err
	}
	defer unlock()
	// Another replica may have had the lock just now.
	before, err := k.attempt(ctx)
	if err != nil || time.Now().Before(before.Next) {
		return err
	}
	if err := k.load(ctx); err != nil || !k.isDue(time.Now()) {
		return err
	}
	k.log.Info("ordering a certificate", "names", k.cfg.Domains, "authority", k.cfg.Directory)
	orderCtx, cancel := context.WithTimeout(ctx, orderTime)
	value, err := k.order(orderCtx)
	cancel()
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		failed := failedAttempt(before, err, time.Now())
		k.log.Error("the authority gave no certificate", "names", k.cfg.Domains,
			"authority", k.cfg.Directory, "err", err, "hint", failed.Hint, "next_try", failed.Next)
		return k.setAttempt(ctx, failed)
	}
	if err := k.set(ctx, k.certificateRow(), value); err != nil {
		return err
	}
	return errors.Join(k.setAttempt(ctx, Attempt{}), k.load(ctx))
}

// Names reports whether name is one of the site's.
func (k *Keeper) Names(name string) bool { return slices.Contains(k.cfg.Domains, name) }
