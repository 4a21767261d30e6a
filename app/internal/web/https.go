package web

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// challengePath is where an authority asks for the answer to a challenge: RFC 8555, section 8.3.
const challengePath = "/.well-known/acme-challenge/"

// hsts tells browsers to use https alone for a year: RFC 6797. It leaves out includeSubDomains,
// because other sites may run on subdomains. It is sent only by a site on port 443. Browsers apply
// it to all ports of the name: if https were on port 8443, they would turn http://name/ into
// https://name/, where perhaps nothing listens.
var hsts = []string{"max-age=31536000"}

// redirectToHTTPS redirects a request on plain http, and reports whether it did. Until the site has
// a valid certificate for the name, it serves on plain http.
//
// A form that comes on plain http was opened before there was a certificate. It is not redirected:
// its answers are on their way already, and after a redirect to https browsers name another site as
// its origin. Once it is stored, the page that follows is on https.
func (s *Server) redirectToHTTPS(w http.ResponseWriter, r *http.Request) bool {
	certificate := s.cfg.Certificate
	if certificate == nil || r.TLS != nil ||
		r.Method != http.MethodGet && r.Method != http.MethodHead ||
		strings.HasPrefix(r.URL.Path, challengePath) {
		return false
	}
	name := comparableName(&url.URL{Host: r.Host})
	if !certificate.HasDomain(name) {
		name = certificate.Domains()[0]
	}
	if !certificate.Certifies(name) {
		return false
	}
	// r.URL may have more than a path and a query, such as the name of a user.
	target := url.URL{Scheme: "https", Host: name, Path: r.URL.Path, RawPath: r.URL.RawPath,
		RawQuery: r.URL.RawQuery}
	if !s.onDefaultPort() {
		target.Host = net.JoinHostPort(name, strconv.Itoa(int(s.cfg.HTTPSPort)))
	}
	http.Redirect(w, r, target.String(), http.StatusMovedPermanently)
	return true
}

// onDefaultPort reports whether visitors find https on the port that browsers expect.
func (s *Server) onDefaultPort() bool { return s.cfg.HTTPSPort == 443 }

// getChallenge answers the authority that certifies the site's names.
func (s *Server) getChallenge(w http.ResponseWriter, r *http.Request) error {
	answer, err := s.cfg.Certificate.Answer(r.Context(), r.PathValue("token"))
	if err != nil {
		return errDatabase(err)
	}
	if answer == "" {
		return errNotFound
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write([]byte(answer))
	return nil
}
