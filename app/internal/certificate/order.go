package certificate

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/crypto/acme"

	"simpleapp/internal/database"
)

// orderTime is the timeout of one order. While an order runs, no other replica orders.
const orderTime = 2 * time.Minute

// order orders a certificate and returns it in PEM format, the private key first.
func (k *Keeper) order(ctx context.Context) ([]byte, error) {
	client, err := k.account(ctx)
	if err != nil {
		return nil, err
	}
	order, err := client.AuthorizeOrder(ctx, acme.DomainIDs(k.cfg.Domains...))
	if err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	defer k.deleteTokens(ctx)
	var accepted []*acme.Authorization
	for _, address := range order.AuthzURLs {
		authorization, err := client.GetAuthorization(ctx, address)
		if err != nil {
			return nil, fmt.Errorf("read an authorization: %w", err)
		}
		if authorization.Status == acme.StatusValid { // an earlier proof is still valid
			continue
		}
		if err := k.accept(ctx, client, authorization); err != nil {
			return nil, fmt.Errorf("%s: %w", authorization.Identifier.Value, err)
		}
		accepted = append(accepted, authorization)
	}
	for _, authorization := range accepted {
		if _, err := client.WaitAuthorization(ctx, authorization.URI); err != nil {
			return nil, fmt.Errorf("%s: %w", authorization.Identifier.Value, err)
		}
	}
	if order, err = client.WaitOrder(ctx, order.URI); err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{DNSNames: k.cfg.Domains}, key)
	if err != nil {
		return nil, err
	}
	chain, _, err := client.CreateCertFromOrder(ctx, order, request, true)
	if err != nil {
		return nil, fmt.Errorf("fetch the certificate: %w", err)
	}
	value, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	for _, certificate := range chain {
		value = append(value, pem.EncodeToMemory(
			&pem.Block{Type: "CERTIFICATE", Bytes: certificate})...)
	}
	return value, nil
}

// account returns a client for the site's account with the authority. It makes the account if there
// is none.
func (k *Keeper) account(ctx context.Context) (*acme.Client, error) {
	value, err := k.get(ctx, k.accountRow())
	if err != nil {
		return nil, err
	}
	var key crypto.Signer
	if value == nil {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
		if value, err = encodeKey(key); err != nil {
			return nil, err
		}
		if err := k.set(ctx, k.accountRow(), value); err != nil {
			return nil, err
		}
	} else if key, err = decodeKey(value); err != nil {
		return nil, err
	}
	client := &acme.Client{Key: key, DirectoryURL: k.cfg.Directory, HTTPClient: k.client,
		UserAgent: "simpleapp"}
	account := &acme.Account{Contact: []string{"mailto:" + k.cfg.Email}}
	_, err = client.Register(ctx, account, acme.AcceptTOS)
	if errors.Is(err, acme.ErrAccountAlreadyExists) {
		_, err = client.UpdateReg(ctx, account) // the address may be another one now
	}
	if err != nil {
		return nil, fmt.Errorf("register with the authority: %w", err)
	}
	return client, nil
}

// accept stores the answer to the challenge by http, and tells the authority to ask for it.
func (k *Keeper) accept(ctx context.Context, client *acme.Client, a *acme.Authorization) error {
	for _, challenge := range a.Challenges {
		if challenge.Type != "http-01" {
			continue
		}
		answer, err := client.HTTP01ChallengeResponse(challenge.Token)
		if err != nil {
			return err
		}
		if err := k.set(ctx, tokenRow(challenge.Token), []byte(answer)); err != nil {
			return err
		}
		_, err = client.Accept(ctx, challenge)
		return err
	}
	return errors.New("the authority has no challenge by http for this name")
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

func decodeKey(value []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(bytes.TrimSpace(value))
	if block == nil {
		return nil, errors.New("the key of the account is not in PEM format")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the key of the account is a %T", key)
	}
	return signer, nil
}

// failedAttempt returns the attempt that follows before and failed with err. After an authority
// that is not reached, the pause doubles from 10 s to 5 min. After a refusal it is 15 min, because
// Let's Encrypt allows five refusals in an hour, or 30 s if the refusal is the first failure.
func failedAttempt(before Attempt, err error, now time.Time) Attempt {
	a := Attempt{Failures: before.Failures + 1, Error: err.Error(), Hint: Hint(err)}
	pause := min(10*time.Second<<min(before.Failures, 5), 5*time.Minute)
	if problem := problemOf(err); problem != nil {
		pause = 15 * time.Minute
		if before.Failures == 0 {
			pause = 30 * time.Second
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

// Hint returns what an operator can do about an error of an order, or "" if it does not know.
func Hint(err error) string {
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
			return "the authority did not finish in two minutes: it is tried again"
		}
		return database.Hint(err)
	}
	kind := problem.ProblemType[strings.LastIndex(problem.ProblemType, ":")+1:]
	switch kind {
	case "dns":
		return "the name has no address that the authority finds: let an A or AAAA record in DNS " +
			"name this site's machines"
	case "connection":
		return "the authority can't connect to port 80 of the name: open it in the firewall, " +
			"and let the name's A and AAAA records in DNS name this site's machines"
	case "unauthorized", "incorrectResponse":
		return "another server answers at the name: let the name's A and AAAA records in DNS " +
			"name this site's machines only"
	case "caa":
		return "a CAA record in DNS forbids this authority to certify the name"
	case "rateLimited":
		return "the authority has limits, and this site has reached one: wait"
	case "rejectedIdentifier", "unsupportedIdentifier":
		return "the authority certifies no such name: correct DOMAIN"
	case "invalidContact", "unsupportedContact":
		return "the authority does not accept ACME_EMAIL: correct it"
	case "externalAccountRequired":
		return "this authority wants an account that it makes elsewhere: choose another one"
	}
	return ""
}
