package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// challengePath is where an authority asks for the answer to a challenge: RFC 8555, section 8.3.
const challengePath = "/.well-known/acme-challenge/"

// hsts tells browsers to use https alone for a year: RFC 6797. It does not speak for other sites
// below the same name.
var hsts = []string{"max-age=31536000"}

// redirectToHTTPS redirects a request on plain http, and reports whether it did. Until the site has
// a certificate that is valid, it serves on plain http.
func (s *Server) redirectToHTTPS(w http.ResponseWriter, r *http.Request) bool {
	certificate := s.cfg.Certificate
	if certificate == nil || r.TLS != nil || strings.HasPrefix(r.URL.Path, challengePath) ||
		!time.Now().Before(certificate.Expiry()) {
		return false
	}
	name := comparableName(&url.URL{Host: r.Host})
	if !certificate.Names(name) {
		name = certificate.Domains()[0]
	}
	target := *r.URL
	target.Scheme, target.Host = "https", name
	status := http.StatusMovedPermanently
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		status = http.StatusPermanentRedirect // the browser sends the form again, to https
	}
	http.Redirect(w, r, target.String(), status)
	return true
}

// getChallenge answers the authority that certifies the site's names.
func (s *Server) getChallenge(w http.ResponseWriter, r *http.Request) error {
	answer, err := s.cfg.Certificate.Answer(r.Context(), r.PathValue("token"))
	if err != nil {
		return err
	}
	if answer == "" {
		return errNotFound
	}
	w.Header()["Content-Type"] = []string{"application/octet-stream"}
	_, err = w.Write([]byte(answer))
	return err
}
