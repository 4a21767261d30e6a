package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"simpleapp/internal/certificate"
)

const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// checkHTTPS checks the settings of https, and sets domains and acmeRoots. Without DOMAIN the
// others have no effect, but HTTPS_PORT must be a number.
func (c *config) checkHTTPS() (err error) {
	if c.Domain == "" {
		return nil
	}
	for name := range strings.FieldsFuncSeq(c.Domain, func(r rune) bool {
		return r == ',' || r == ' '
	}) {
		name = strings.TrimSuffix(strings.ToLower(name), ".")
		if err := checkDomain(name); err != nil {
			return fmt.Errorf("DOMAIN: %q %w", name, err)
		}
		if !slices.Contains(c.domains, name) {
			c.domains = append(c.domains, name)
		}
	}
	if len(c.domains) == 0 || len(c.domains) > 100 {
		return fmt.Errorf("DOMAIN: it has %d names: write 1 to 100, which is what a certificate "+
			"can have", len(c.domains))
	}
	if c.HTTPSPort == 0 {
		return fmt.Errorf("HTTPS_PORT: 0 is no port: write it as %s", portRange)
	}
	address, err := mail.ParseAddress(c.ACMEEmail)
	if err != nil || address.Address != c.ACMEEmail {
		return fmt.Errorf("ACME_EMAIL: %q is no e-mail address: with DOMAIN, set it to the "+
			"address to which the authority may write", c.ACMEEmail)
	}
	c.ACMEDirectory = cmp.Or(c.ACMEDirectory, letsEncrypt)
	directory, err := url.Parse(c.ACMEDirectory)
	if err != nil || directory.Scheme != "https" || directory.Host == "" {
		return fmt.Errorf("ACME_DIRECTORY: %q is no https address, such as %s",
			c.ACMEDirectory, letsEncrypt)
	}
	c.acmeRoots, err = readRoots("ACME_CA_FILE", c.ACMECA)
	return err
}

// checkDomain returns an error unless name is a name that an authority certifies by http.
func checkDomain(name string) error {
	const example = "write a name alone, such as food.example.com"
	// It is compiled here, because that takes 0.2 ms, and a site without DOMAIN does not need it.
	full := regexp.MustCompile(
		`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
	switch {
	case net.ParseIP(strings.Trim(name, "[]")) != nil:
		return fmt.Errorf("is an address: %s", example)
	case strings.Contains(name, "/"):
		return fmt.Errorf("has a path or a scheme: %s", example)
	case strings.Contains(name, ":"):
		return fmt.Errorf("has a port: %s", example)
	case strings.HasPrefix(name, "*."):
		return errors.New("is a wildcard, which can't be proved by http: list the names")
	case len(name) > 253 || !full.MatchString(name):
		return fmt.Errorf("is no full name in DNS: %s, with letters other than a to z as xn--…",
			example)
	}
	return nil
}

// certificate returns the configuration of the certificate.
func (c config) certificate() certificate.Config {
	cfg := certificate.Config{Domains: c.domains, Email: c.ACMEEmail,
		Directory: c.ACMEDirectory, Roots: c.acmeRoots}
	if c.MySQLAddrs != nil {
		// There may be a load balancer with a health check every 5 s. It has to know this replica
		// before the authority's question comes.
		cfg.Settle = 15 * time.Second
	}
	return cfg
}
