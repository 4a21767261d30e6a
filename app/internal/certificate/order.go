package certificate

import (
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
	"time"

	"golang.org/x/crypto/acme"
)

// orderTime is the timeout of one order. No other replica orders while an order runs, unless the
// lock is lost: see TryLock.
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
	// The method stored must be able to parse value. A row that it can't parse would stop all later
	// orders.
	if _, err := tls.X509KeyPair(value, value); err != nil {
		return nil, fmt.Errorf("the certificate that the authority sent: %w", err)
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
	block, _ := pem.Decode(value)
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
