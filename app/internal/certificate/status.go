package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"time"

	"simpleapp/internal/database"
)

// A Status has the site's certificate, and the latest attempt to order one, if that failed.
type Status struct {
	Certificate *x509.Certificate // nil if there is none
	Attempt     Attempt
}

// ReadStatus reads the status from the database.
func ReadStatus(ctx context.Context, cfg Config, db *database.DB) (s Status, err error) {
	r := rows{db, cfg}
	if s.Attempt, err = r.attempt(ctx); err != nil {
		return s, err
	}
	value, err := r.get(ctx, r.certificateRow())
	if err != nil || value == nil {
		return s, err
	}
	pair, err := tls.X509KeyPair(value, value)
	s.Certificate = pair.Leaf
	return s, err
}

// IsLate reports whether there is no certificate, or less than a sixth of its validity is left.
// Renewals begin when a third is left.
func (s Status) IsLate(now time.Time) bool {
	c := s.Certificate
	return c == nil || now.Add(c.NotAfter.Sub(c.NotBefore)/6).After(c.NotAfter)
}
