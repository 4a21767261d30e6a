package https

import (
	"crypto/x509"
	"encoding/pem"
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

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"simpleapp/internal/testsite"
)

// An authority is a pebble, the ACME server that Let's Encrypt has for tests. It resolves the names
// in the tests to addresses of this machine, and connects to port there.
type authority struct {
	testing.TB
	directory string // the URL
	caFile    string // has the certificate of the server
	roots     *x509.CertPool
	port      int // where the authority asks, in place of 80

	handler   http.Handler
	server    *httptest.Server
	finalized sync.Map // the paths of the orders whose certificates were asked for
	// intercept, if it is set, is called at the beginning of each request. The request ends there
	// if it returns true.
	intercept atomic.Pointer[func(http.ResponseWriter, *http.Request) (answered bool)]
}

// addresses are the addresses of the names. Others don't exist.
var addresses = map[string]string{
	"food.example.test.":      "127.0.0.1",
	"www.food.example.test.":  "127.0.0.1",
	"elsewhere.example.test.": "127.0.0.2", // another server has the port
	"closed.example.test.":    "127.0.0.3", // nothing has the port
}

// newAuthority starts an authority whose certificates are valid for this many seconds.
func newAuthority(t *testing.T, validity uint64) *authority {
	t.Helper()
	quiet := log.New(io.Discard, "", 0)
	a := &authority{TB: t, port: testsite.FreePort(t),
		caFile: filepath.Join(t.TempDir(), "ca.pem")}
	store := db.NewMemoryStore()
	profiles := map[string]ca.Profile{"default": {ValidityPeriod: validity}}
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, profiles)
	checker := va.New(quiet, a.port, 443, true, nameServer(t), store)
	front := wfe.New(quiet, store, checker, issuer, nil, true, false, 1, 1)
	pebble := front.Handler()
	a.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if intercept := a.intercept.Load(); intercept != nil && (*intercept)(w, r) {
			return
		}
		if strings.HasPrefix(r.URL.Path, "/finalize-order/") {
			a.finalized.Store(r.URL.Path, true)
		}
		pebble.ServeHTTP(w, r)
	})
	a.roots = x509.NewCertPool()
	a.roots.AppendCertsFromPEM(issuer.GetRootCert(0).PEM())

	// No outgoing connection takes this port while the authority is down.
	a.start(net.JoinHostPort("127.0.0.1", strconv.Itoa(testsite.FreePort(t))))
	t.Cleanup(func() { a.server.Close() })
	a.directory = a.server.URL + wfe.DirectoryPath
	certificate := pem.EncodeToMemory(
		&pem.Block{Type: "CERTIFICATE", Bytes: a.server.Certificate().Raw})
	if err := os.WriteFile(a.caFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// wantOrdered checks how many certificates were ordered. Pebble rejects some requests at random,
// and the program sends them again, so each order counts once.
func (a *authority) wantOrdered(t *testing.T, want int) {
	t.Helper()
	n := 0
	a.finalized.Range(func(any, any) bool { n++; return true })
	if n != want {
		t.Errorf("%d certificates were ordered, want %d", n, want)
	}
}

func (a *authority) start(addr string) {
	a.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		a.Fatal(err)
	}
	a.server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: a.handler}}
	a.server.StartTLS()
}

// stop makes the authority refuse connections until again is called.
func (a *authority) stop() (again func()) {
	a.server.Close()
	return func() { a.start(a.server.Listener.Addr().String()) }
}

// onRequest calls do at the beginning of each request of the path.
func (a *authority) onRequest(path string, do func()) {
	intercept := func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, path) {
			do()
		}
		return false
	}
	a.intercept.Store(&intercept)
}

// sendDamaged makes the first certificate that the authority sends one that can't be parsed.
func (a *authority) sendDamaged() {
	var sent atomic.Bool
	intercept := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/certZ/") || sent.Swap(true) {
			return false
		}
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: []byte("damaged")})
		return true
	}
	a.intercept.Store(&intercept)
}

// nameServer starts a DNS server for addresses, and returns where it listens.
func nameServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(
		func(w dns.ResponseWriter, question *dns.Msg) {
			answer := new(dns.Msg).SetReply(question)
			q := question.Question[0]
			address, known := addresses[strings.ToLower(q.Name)]
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

// A balancer hands each connection to the next of its targets that accepts it, as Swarm's mesh
// does.
type balancer struct {
	mu      sync.Mutex
	targets []string
	next    int
}

// balance starts a balancer at an address until the test ends.
func balance(t *testing.T, host string, port int) *balancer {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	b := new(balancer)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go b.serve(client)
		}
	}()
	return b
}

func (b *balancer) set(targets ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.targets = targets
}

func (b *balancer) serve(client net.Conn) {
	defer client.Close()
	server := b.dial()
	if server == nil {
		return
	}
	defer server.Close()
	go func() {
		io.Copy(server, client)
		server.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(client, server)
}

func (b *balancer) dial() net.Conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.targets {
		b.next = (b.next + 1) % len(b.targets)
		if conn, err := net.Dial("tcp", b.targets[b.next]); err == nil {
			return conn
		}
	}
	return nil
}
