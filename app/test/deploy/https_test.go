package deploy

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"simpleapp/internal/testsite"
	"simpleapp/test/acme"
	"simpleapp/test/engine"
)

// A secureSite is a stack that visitors reach by https under a name.
type secureSite struct {
	*stack
	url    string
	client *http.Client // opens a connection for each request
	serial string       // of the certificate; empty until the first answer
}

// tryHTTPS gives the site a name. Once it can reach an authority, which runs on this machine, it
// fetches a certificate, and every replica serves https. DOMAIN=off ends that.
func (s *stack) tryHTTPS() {
	s.Helper()
	const name = "food.example.test"
	// Containers reach this machine at this address.
	gateway := docker(s, "network", "inspect",
		"--format", "{{(index .IPAM.Config 0).Gateway}}", "docker_gwbridge")
	authority := acme.New(s, gateway, s.port, 90*24*time.Hour,
		map[string]string{name: "127.0.0.1"})
	port := testsite.FreePort(s)
	connect := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	}
	site := &secureSite{stack: s, url: fmt.Sprintf("https://%s:%d", name, port),
		client: &http.Client{
			Timeout:       30 * time.Second,
			CheckRedirect: testsite.Client.CheckRedirect,
			Transport: &http.Transport{DialContext: connect, DisableKeepAlives: true,
				TLSClientConfig: &tls.Config{RootCAs: authority.Roots}},
		}}

	again := authority.Stop()
	s.make("deploy", "APP_REPLICAS=1", "DOMAIN="+name, "ACME_EMAIL=me@example.com",
		fmt.Sprintf("HTTPS_PORT=%d", port), "ACME_DIRECTORY="+authority.Directory,
		"STACK_RENDER="+engine.Render(trust(authority)))
	site.wantPlainHTTP()
	again()
	engine.Eventually(s, "make status shows the certificate", func() error {
		out, err := s.tryMake("status")
		if err != nil || !strings.Contains(out, "certificate of "+name+": 89 days left") {
			return fmt.Errorf("%v\n%s", err, out)
		}
		return nil
	})
	site.wantOneCertificate(1)
	site.wantPages(name)
	s.make("scale", "N=2")
	site.wantOneCertificate(2)
	if n := authority.Ordered(); n != 1 {
		s.Errorf("%d certificates were ordered, want 1", n)
	}

	s.make("deploy", "DOMAIN=off")
	s.make("status")
	engine.Eventually(s, "the port of https is closed after DOMAIN=off", func() error {
		conn, err := connect(s.Context(), "", "")
		if err == nil {
			conn.Close()
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("a connection = %v, want that it is refused", err)
		}
		return nil
	})
	s.submit() // on plain http
}

// trust returns a command that lets the app of a stack file trust an authority's own server.
func trust(authority *acme.Authority) string {
	const file = "/run/acme_ca.pem"
	return "sed -e 's|^services:|configs: { acme_ca: { file: " + authority.CAFile + " } }\\n&|' " +
		"-e '/^  app:/,/^  cache:/s|^    environment:|" +
		"    configs: [{ source: acme_ca, target: " + file + " }]\\n&\\n" +
		"      ACME_CA_FILE: " + file + "|'"
}

// wantPlainHTTP checks that make status says why there is no certificate while the authority can't
// be reached, and that the site goes on with plain http.
func (s *secureSite) wantPlainHTTP() {
	s.Helper()
	engine.Eventually(s, "make status says why there is no certificate", func() error {
		out, err := s.tryMake("status")
		if err == nil || !strings.Contains(out, "the authority can't be reached") {
			return fmt.Errorf("%v\n%s", err, out)
		}
		return nil
	})
	s.submit()
	_, err := s.client.Get(s.url + "/")
	if err == nil || !strings.Contains(err.Error(), "internal error") {
		s.Errorf("GET %s/ = %v, want that the site answers without a certificate", s.url, err)
	}
}

// wantOneCertificate waits until so many replicas have answered by https, and checks that all have
// one certificate.
func (s *secureSite) wantOneCertificate(replicas int) {
	s.Helper()
	answered := map[string]bool{}
	engine.Eventually(s, fmt.Sprintf("%d replicas answer by https", replicas), func() error {
		resp, err := s.client.Get(s.url + "/ping")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var answer pong
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			return err
		}
		answered[answer.Instance] = true
		serial := resp.TLS.PeerCertificates[0].SerialNumber.String()
		if s.serial == "" {
			s.serial = serial
		}
		if serial != s.serial {
			s.Fatalf("%s has the certificate %s, another one %s", answer.Instance, serial, s.serial)
		}
		if len(answered) < replicas {
			return fmt.Errorf("%d have answered", len(answered))
		}
		return nil
	})
}

// wantPages checks that the home page is there by https, that plain http leads there, and that a
// form is stored.
func (s *secureSite) wantPages(name string) {
	s.Helper()
	home, err := s.client.Get(s.url + "/")
	if err != nil {
		s.Fatal(err)
	}
	home.Body.Close()
	// On another port than 443 browsers are not told to use https alone.
	hsts := home.Header.Get("Strict-Transport-Security")
	if home.StatusCode != http.StatusOK || hsts != "" {
		s.Errorf("GET %s/ = %d, Strict-Transport-Security %q, want 200 and none", s.url,
			home.StatusCode, hsts)
	}
	r := testsite.Request(s, http.MethodGet, "http://"+s.address()+"/results", nil)
	r.Host = name
	answer := testsite.Send(s, r)
	testsite.WantStatus(s, answer, http.StatusMovedPermanently)
	if to := answer.Header.Get("Location"); to != s.url+"/results" {
		s.Errorf("GET http://%s/results leads to %s, want %s/results", name, to, s.url)
	}
	form := testsite.Form()
	if _, err := testsite.Store(s.client, s.url, form); err != nil {
		s.Fatal(err)
	}
	if _, found := s.rows()[form.Get("token")]; !found {
		s.Error("a form that was sent by https is not stored")
	}
}
