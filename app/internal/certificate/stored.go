package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"time"
)

// A storedCertificate is a certificate with the value of the row that it was parsed from.
type storedCertificate struct {
	*tls.Certificate
	value      []byte
	substitute bool // it is for other names than those of the site: see stored
}

// stored returns the certificate for the names of the site.
//
// If there is none, or if it has ended, stored returns the newest valid certificate that the
// authority has given for other names, provided that at least one of them is a name of the site. So
// https goes on after a change of DOMAIN until a certificate for the new names is there. If there
// is no such certificate either, stored returns the one that has ended, or nil. No row of a
// certificate is deleted: replicas that still have the earlier DOMAIN need theirs, and so does a
// rollback.
func (r rows) stored(ctx context.Context) (*storedCertificate, error) {
	found, err := r.db.QueryContext(ctx,
		"SELECT name, value FROM acme WHERE name LIKE 'certificate %'")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var own, other *storedCertificate
	now := time.Now()
	for found.Next() {
		var name string
		var value []byte
		if err := found.Scan(&name, &value); err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(value, value)
		switch {
		case name == r.certificateRow():
			if err != nil {
				return nil, err
			}
			own = &storedCertificate{&pair, value, false}
		case err != nil || name != r.rowOf(pair.Leaf.DNSNames): // damaged, or of another authority
		case now.Before(pair.Leaf.NotAfter) && r.hasSome(pair.Leaf) &&
			(other == nil || pair.Leaf.NotBefore.After(other.Leaf.NotBefore)):
			other = &storedCertificate{&pair, value, true}
		}
	}
	if other != nil && (own == nil || !now.Before(own.Leaf.NotAfter)) {
		return other, found.Err()
	}
	return own, found.Err()
}

// hasSome reports whether a certificate is for some of the site's names.
func (r rows) hasSome(c *x509.Certificate) bool {
	return slices.ContainsFunc(r.cfg.Domains, func(name string) bool {
		return c.VerifyHostname(name) == nil
	})
}

// store stores the certificate in unstored, and forgets the failed attempts before it.
func (k *Keeper) store(ctx context.Context) error {
	if err := k.set(ctx, k.certificateRow(), k.unstored); err != nil {
		return err
	}
	k.unstored, k.next = nil, time.Time{}
	return k.setAttempt(ctx, Attempt{})
}

// storeAtStop stores a certificate that is not stored yet, although ctx has ended: the process
// stopped just after the order, or the database has refused the certificate so far.
func (k *Keeper) storeAtStop(ctx context.Context) {
	if k.unstored == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err := k.load(ctx) // another replica may have stored a newer one
	if err == nil && k.unstored != nil {
		err = k.store(ctx)
	}
	if err != nil {
		k.log.Error("a certificate that was obtained is lost, if the database has not stored it",
			"err", err, "hint", "another one is ordered")
	}
}
