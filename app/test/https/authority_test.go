package https

import (
	"encoding/pem"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"simpleapp/internal/testsite"
	"simpleapp/test/acme"
)

// An authority certifies the names in the tests.
type authority struct {
	testing.TB
	*acme.Authority
}

// addresses are the addresses of the names. Others don't exist.
var addresses = map[string]string{
	domain:                   "127.0.0.1",
	"www." + domain:          "127.0.0.1",
	"elsewhere.example.test": "127.0.0.2", // another server has the port
	"closed.example.test":    "127.0.0.3", // nothing has the port
}

// usual is how long certificates of Let's Encrypt are valid.
const usual = 90 * 24 * time.Hour

// newAuthority starts an authority whose certificates are valid for this time.
func newAuthority(t *testing.T, validity time.Duration) *authority {
	t.Helper()
	return &authority{t,
		acme.New(t, "127.0.0.1", testsite.FreePort(t), validity, addresses)}
}

// wantOrdered checks how many certificates were ordered.
func (a *authority) wantOrdered(t *testing.T, want int) {
	t.Helper()
	if n := a.Ordered(); n != want {
		t.Errorf("%d certificates were ordered, want %d", n, want)
	}
}

// onRequest calls do at the beginning of each request of the path.
func (a *authority) onRequest(path string, do func()) {
	a.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, path) {
			do()
		}
		return false
	})
}

// sendDamaged makes the first certificate that the authority sends one that can't be parsed.
func (a *authority) sendDamaged() {
	var sent atomic.Bool
	a.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/certZ/") || sent.Swap(true) {
			return false
		}
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: []byte("damaged")})
		return true
	})
}
