package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/crypto/acme"

	"simpleapp/internal/database"
)

// An Attempt is the latest attempt to order a certificate, if it failed.
type Attempt struct {
	Failures    int       // in a row
	Error, Hint string    // of the latest failure
	Next        time.Time // when the next attempt may begin
}

// failedAttempt returns what is stored after an attempt that failed with err. previous is what was
// stored until then. If the authority was not reached, the pause doubles from 10 s to 5 min. After
// a refusal it is 20 min, because Let's Encrypt allows five refusals in an hour. It is shorter if
// the refusal is the first or second failure in a row: just after DOMAIN is set for the first time,
// the authority may still reach replicas without DOMAIN, and those answer no challenge.
func failedAttempt(previous Attempt, err error, now time.Time) Attempt {
	a := Attempt{Failures: previous.Failures + 1, Error: err.Error(), Hint: hint(err)}
	pause := min(10*time.Second<<min(previous.Failures, 5), 5*time.Minute)
	if problem := problemOf(err); problem != nil {
		switch previous.Failures {
		case 0:
			pause = 30 * time.Second
		case 1:
			pause = 3 * time.Minute
		default:
			pause = 20 * time.Minute
		}
		if wait, limited := acme.RateLimit(problem); limited {
			pause = max(wait, pause)
		}
	}
	a.Next = now.Add(pause)
	return a
}

// problemOf returns what the authority said, or nil if err is not an answer of the authority.
func problemOf(err error) *acme.Error {
	var refused *acme.AuthorizationError
	var order *acme.OrderError
	var problem *acme.Error
	switch {
	case errors.As(err, &refused):
		for _, challenge := range refused.Errors {
			if errors.As(challenge, &problem) {
				return problem
			}
		}
		return &acme.Error{}
	case errors.As(err, &order):
		if order.Problem != nil {
			return order.Problem
		}
		return &acme.Error{}
	case errors.As(err, &problem):
		return problem
	}
	return nil
}

// ipv6 ends a hint. Swarm's ports may not answer IPv6: docs/operate.md.
const ipv6 = ", and remove an AAAA record unless they answer by IPv6"

// hint returns what an operator can do about an error of an order, or "" if it does not know.
func hint(err error) string {
	problem := problemOf(err)
	if problem == nil {
		var unreachable *url.Error
		var certificate *tls.CertificateVerificationError
		switch {
		case errors.As(err, &certificate):
			return "the certificate of the authority's directory is not trusted: name its " +
				"authority in ACME_CA_FILE"
		case errors.As(err, &unreachable):
			return "the authority can't be reached: let this machine open connections to the " +
				"address in ACME_DIRECTORY"
		case errors.Is(err, context.DeadlineExceeded):
			return fmt.Sprintf("the authority did not finish in %.0f minutes: it is tried again",
				orderTime.Minutes())
		}
		return database.Hint(err)
	}
	kind := problem.ProblemType[strings.LastIndex(problem.ProblemType, ":")+1:]
	switch kind {
	case "dns":
		return "the name has no address that the authority finds: let an A record in DNS name " +
			"this site's machines"
	case "connection":
		return "the authority can't connect to port 80 of the name: open it in the firewall, " +
			"and let the name's A record in DNS name this site's machines" + ipv6
	case "unauthorized", "incorrectResponse":
		return "another server answers at the name: let its A record in DNS name this site's " +
			"machines only" + ipv6
	case "caa":
		return "a CAA record in DNS forbids this authority to certify the name"
	case "rateLimited":
		return "the authority has limits, and this site has reached one: wait"
	case "rejectedIdentifier", "unsupportedIdentifier":
		return "the authority certifies no such name: correct DOMAIN"
	case "invalidContact", "unsupportedContact":
		return "the authority does not accept ACME_EMAIL: correct it"
	case "externalAccountRequired":
		return "this authority accepts only accounts that were made on its website: set " +
			"ACME_DIRECTORY to another authority"
	}
	return ""
}
