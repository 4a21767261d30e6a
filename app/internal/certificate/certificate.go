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
	Domains   []string // the names of the site
	Email     string   // where the authority writes to
	Directory string   // the URL of the authority's directory
	// Roots are the authorities that may have signed the directory's own certificate. If Roots is
	// nil, they are those of the system.
	Roots *x509.CertPool
	// Settle is how long a process runs before it orders. The authority connects to port 80 of the
	// names, and a load balancer sends no requests to a replica that has just started.
	Settle time.Duration
}

// A Keeper keeps the certificate of a site. Use New to make one.
type Keeper struct {
	rows
	log     *slog.Logger
	client  *http.Client
	current atomic.Pointer[storedCertificate]
	// next is the earliest time at which this process may order. Attempt.Next is that of
	// all replicas, but it can't be stored while the database takes no writes.
	next time.Time
	// unstored is a certificate that the database has not taken yet. To order another one in its
	// place would use up what the authority allows in a week.
	unstored []byte
}

// New returns a Keeper. It does nothing until Start.
func New(cfg Config, db *database.DB, log *slog.Logger) *Keeper {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: cfg.Roots}
	return &Keeper{rows: rows{db, cfg}, log: log, next: time.Now().Add(cfg.Settle),
		client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

// errNone is the error of GetCertificate while there is no certificate.
var errNone = errors.New("the site has no certificate yet")

// GetCertificate returns the certificate. It is for tls.Config.
func (k *Keeper) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if current := k.current.Load(); current != nil {
		return current.Certificate, nil
	}
	return nil, errNone
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

// HasDomain reports whether name is one of the names of the site.
func (k *Keeper) HasDomain(name string) bool { return slices.Contains(k.cfg.Domains, name) }

// Certifies reports whether there is a certificate for this name that has not ended.
func (k *Keeper) Certifies(name string) bool {
	current := k.current.Load()
	return current != nil && time.Now().Before(current.Leaf.NotAfter) &&
		current.Leaf.VerifyHostname(name) == nil
}

const (
	// lookEvery is how often a replica reads the certificate, which another one may have renewed.
	lookEvery = time.Minute
	// lookSoon replaces lookEvery while the site has no certificate for its names.
	lookSoon = time.Second
)

// Start starts a goroutine that loads the certificate from the database, and orders one when there
// is none for the names of the site, or when the last third of its time has begun. The caller must
// call stop.
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
	defer k.storeAtStop(ctx)
	failed, writeFailed := false, false
	for {
		err := k.load(ctx)
		now := time.Now()
		wrote, ordering := false, err == nil && k.isDue(now) && !now.Before(k.next)
		if ordering {
			wrote, err = k.orderIfNobodyDoes(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failed { // one line for each outage
			k.log.Error("the certificate can't be read or stored in the database", "err", err,
				"hint", cmp.Or(database.Hint(err), "it is tried again until it works"))
		}
		// After a failed write, load still succeeds each time. That outage is over only when this
		// replica has written, or when no order is due.
		switch {
		case err != nil:
			failed, writeFailed = true, writeFailed || ordering
		case !writeFailed, wrote, !k.isDue(now):
			failed, writeFailed = false, false
		}
		if !database.Pause(ctx, k.untilNextLook()) {
			return
		}
	}
}

func (k *Keeper) untilNextLook() time.Duration {
	current := k.current.Load()
	if current == nil || current.substitute {
		return lookSoon
	}
	if wait := time.Until(renewalOf(current.Leaf)); wait > 0 {
		return min(wait, lookEvery)
	}
	// A renewal is due: another replica orders, or an attempt has failed.
	return min(current.Leaf.NotAfter.Sub(renewalOf(current.Leaf))/20+lookSoon, lookEvery)
}

// renewalOf returns when a certificate is renewed.
func renewalOf(c *x509.Certificate) time.Time {
	return c.NotAfter.Add(-c.NotAfter.Sub(c.NotBefore) / 3)
}

func (k *Keeper) isDue(now time.Time) bool {
	current := k.current.Load()
	return current == nil || current.substitute || !now.Before(renewalOf(current.Leaf))
}

// load loads the certificate from the database, if it is not the one that k has.
func (k *Keeper) load(ctx context.Context) error {
	stored, err := k.stored(ctx)
	current := k.current.Load()
	if err != nil || stored == nil || current != nil && bytes.Equal(stored.value, current.value) {
		return err
	}
	k.current.Store(stored)
	if !stored.substitute {
		k.unstored = nil // it is stored now, or another replica has stored a newer one
	}
	k.log.Info("certificate loaded", "names", stored.Leaf.DNSNames, "until", stored.Leaf.NotAfter)
	return nil
}

// orderIfNobodyDoes orders a certificate, unless another replica is ordering it or has just done
// so, or the pause after a failure has not passed. wrote tells whether it has written to the
// database. It returns errors of the database only.
func (k *Keeper) orderIfNobodyDoes(ctx context.Context) (wrote bool, err error) {
	if before, err := k.attempt(ctx); err != nil || time.Now().Before(before.Next) {
		return false, err
	}
	unlock, locked, err := k.db.TryLock(ctx, "certificate", orderTime)
	if err != nil || !locked {
		return false, err
	}
	defer unlock()
	// Another replica may have had the lock just now.
	before, err := k.attempt(ctx)
	if err != nil || time.Now().Before(before.Next) {
		return false, err
	}
	if err := k.load(ctx); err != nil || !k.isDue(time.Now()) {
		return false, err
	}
	k.next = time.Now().Add(lookEvery)
	if k.unstored == nil {
		if ordered, err := k.orderAndReport(ctx, before); err != nil || !ordered {
			return err == nil, err
		}
	}
	if err := k.store(ctx); err != nil {
		return false, err
	}
	return true, k.load(ctx)
}

// orderAndReport orders a certificate and keeps it as unstored. If the order fails, it logs that
// and stores the failed attempt. previous is the attempt that was stored before. It returns errors
// of the database only.
func (k *Keeper) orderAndReport(ctx context.Context, previous Attempt) (ordered bool, err error) {
	// If the database takes no writes, a certificate could not be stored: then none is ordered.
	if err := k.setAttempt(ctx, previous); err != nil {
		return false, err
	}
	k.log.Info("ordering a certificate", "names", k.cfg.Domains, "authority", k.cfg.Directory)
	orderCtx, cancel := context.WithTimeout(ctx, orderTime)
	k.unstored, err = k.order(orderCtx)
	cancel()
	if err == nil || ctx.Err() != nil {
		return err == nil, nil
	}
	failed := failedAttempt(previous, err, time.Now())
	k.next = failed.Next
	k.log.Error("no certificate was obtained", "names", k.cfg.Domains,
		"authority", k.cfg.Directory, "err", err, "hint", failed.Hint, "next_try", failed.Next)
	return false, k.setAttempt(ctx, failed)
}
