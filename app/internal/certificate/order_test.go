package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/acme"
)

// problem is an answer of the authority: RFC 8555, section 6.7.
func problem(kind string) *acme.Error {
	return &acme.Error{ProblemType: "urn:ietf:params:acme:error:" + kind}
}

func TestHint(t *testing.T) {
	refused := func(kind string) error {
		return fmt.Errorf("food.example.com: %w",
			&acme.AuthorizationError{Errors: []error{problem(kind)}})
	}
	for _, test := range []struct {
		name string
		err  error
		want string // the beginning
	}{
		{"no address", refused("dns"), "the name has no address"},
		{"closed port", refused("connection"), "the authority can't connect to port 80"},
		{"another server", refused("unauthorized"), "another server answers at the name"},
		{"CAA", refused("caa"), "a CAA record"},
		{"limit", fmt.Errorf("order: %w", problem("rateLimited")), "the authority has limits"},
		{"invalid order", &acme.OrderError{Problem: problem("caa")}, "a CAA record"},
		{"bad contact", problem("invalidContact"), "the authority does not accept ACME_EMAIL"},
		{"not reached", &url.Error{Err: errors.New("connection refused")},
			"the authority can't be reached"},
		{"not trusted", &url.Error{Err: &tls.CertificateVerificationError{}},
			"the certificate of the authority's directory is not trusted"},
		{"no answer", fmt.Errorf("order: %w", context.DeadlineExceeded),
			"the authority did not finish"},
		{"unknown problem", problem("brandNew"), ""},
		{"another error", errors.New("oops"), ""},
	} {
		got := hint(test.err)
		if !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%s: hint = %q, want it to begin with %q", test.name, got, test.want)
		}
	}
}

func TestFailedAttempt(t *testing.T) {
	now := time.Now()
	limited := problem("rateLimited")
	limited.Header = http.Header{"Retry-After": {"7200"}}
	for _, test := range []struct {
		name     string
		failures int // before
		err      error
		want     time.Duration
	}{
		{"refused first", 0, problem("connection"), 30 * time.Second},
		{"refused again", 1, problem("connection"), 3 * time.Minute},
		{"refused a third time", 2, problem("connection"), 20 * time.Minute},
		{"limited", 3, fmt.Errorf("order: %w", limited), 2 * time.Hour},
		{"not reached first", 0, &url.Error{Err: errors.New("refused")}, 10 * time.Second},
		{"not reached for hours", 1000, &url.Error{Err: errors.New("refused")}, 5 * time.Minute},
	} {
		got := failedAttempt(Attempt{Failures: test.failures}, test.err, now)
		if pause := got.Next.Sub(now).Round(time.Second); pause != test.want {
			t.Errorf("%s: pause = %v, want %v", test.name, pause, test.want)
		}
		if got.Failures != test.failures+1 || got.Error == "" {
			t.Errorf("%s: attempt = %+v, want one more failure with its error", test.name, got)
		}
	}
}
