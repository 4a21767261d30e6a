// Package acme starts an authority that certifies the names of tests. It takes the place of Let's
// Encrypt.
package acme

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// An Authority is a pebble, the ACME server that Let's Encrypt has for tests. It rejects some
// requests at random, as an authority may, and a client has to send them again.
type Authority struct {
	Directory string         // the URL that a client begins with
	CAFile    string         // has the certificate of the server at Directory
	Roots     *x509.CertPool // trust the certificates that the authority issues
	Port      int            // where it asks for the answer to a challenge, in place of 80

	tb        testing.TB
	handler   http.Handler
	tls       *tls.Config
	server    *httptest.Server
	finalized sync.Map // the paths of the orders whose certificates were asked for
	intercept atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
}

// New starts an authority at an IP address of this machine, until the test ends. Its certificates
// are valid for validity, in whole seconds. It knows only the names in addresses, each with its
// IPv4 address, and connects to port there.
func New(t testing.TB, ip string, port int, validity time.Duration, addresses map[string]string,
) *Authority {
	t.Helper()
	os.Setenv("PEBBLE_VA_NOSLEEP", "1") // pebble delays each check otherwise
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	profiles := map[string]ca.Profile{
		"default": {ValidityPeriod: uint64(validity / time.Second)}}
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, profiles)
	checker := va.New(quiet, port, 443, true, nameServer(t, addresses), store)
	front := wfe.New(quiet, store, checker, issuer, nil, true, false, 1, 1)
	pebble := front.Handler()
	a := &Authority{tb: t, Port: port, Roots: x509.NewCertPool()}
	a.Roots.AppendCertsFromPEM(issuer.GetRootCert(0).PEM())
	a.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if intercept := a.intercept.Load(); intercept != nil && (*intercept)(w, r) {
			return
		}
		if strings.HasPrefix(r.URL.Path, "/finalize-order/") {
			a.finalized.Store(r.URL.Path, true)
		}
		pebble.ServeHTTP(w, r)
	})

	dir := t.TempDir()
	a.CAFile = filepath.Join(dir, "cert.pem")
	if _, err := testserver.Certificate(dir, ip); err != nil {
		t.Fatal(err)
	}
	own, err := tls.LoadX509KeyPair(a.CAFile, filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	a.tls = &tls.Config{Certificates: []tls.Certificate{own}}
	// No outgoing connection takes this port while the authority is down.
	a.start(net.JoinHostPort(ip, strconv.Itoa(testsite.FreePort(t))))
	t.Cleanup(func() { a.server.Close() })
	a.Directory = a.server.URL + wfe.DirectoryPath
	return a
}

func (a *Authority) start(addr string) {
	a.tb.Helper()
	var listener net.Listener
	// A program that another test is just starting may hold the listener of FreePort for a moment:
	// it has all open files between fork and exec.
	testsite.Within(a.tb, 10*time.Second, "the authority listens on "+addr, func() (err error) {
		listener, err = net.Listen("tcp", addr)
		return err
	})
	a.server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: a.handler},
		TLS: a.tls.Clone()}
	a.server.StartTLS()
}

// Stop makes the authority refuse connections until again is called.
func (a *Authority) Stop() (again func()) {
	a.server.Close()
	return func() {
		a.tb.Helper()
		a.start(a.server.Listener.Addr().String())
	}
}

// Intercept calls do at the beginning of each request from now on, in place of what an earlier call
// has set. The request ends there if do returns true, and has to be answered then.
func (a *Authority) Intercept(do func(http.ResponseWriter, *http.Request) (answered bool)) {
	a.intercept.Store(&do)
}

// Ordered returns how many certificates were ordered. An order counts once, also if it had to be
// sent again.
func (a *Authority) Ordered() (n int) {
	a.finalized.Range(func(any, any) bool { n++; return true })
	return n
}

// nameServer starts a DNS server for addresses, and returns where it listens.
func nameServer(t testing.TB, addresses map[string]string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(
		func(w dns.ResponseWriter, question *dns.Msg) {
			answer := new(dns.Msg).SetReply(question)
			q := question.Question[0]
			address, known := addresses[strings.ToLower(strings.TrimSuffix(q.Name, "."))]
			if !known {
				answer.Rcode = dns.RcodeNameError
			} else if q.Qtype == dns.TypeA {
				answer.Answer = []dns.RR{&dns.A{A: net.ParseIP(address), Hdr: dns.RR_Header{
					Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}}}
			}
			w.WriteMsg(answer)
		})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return listener.Addr().String()
}
