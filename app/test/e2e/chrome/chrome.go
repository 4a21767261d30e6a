// Package chrome starts the browser of the tests.
package chrome

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
)

// Start starts Chromium with an empty profile and returns the context of its tab. The browser ends with
// the test. It finds every host under .test on this machine, and trusts the certificate of httptest.
func Start(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // the tests may run as root, and visit this one site alone
		chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"),
		// With --ignore-certificate-errors, Chromium would keep no page in its cache.
		chromedp.Flag("ignore-certificate-errors-spki-list", certificateKey()),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true))
	options = append(options, more...)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() { chromedp.Cancel(ctx); cancel() })
	if err := chromedp.Do(ctx); err != nil { // the browser lives as long as this context
		t.Fatal(err)
	}
	return ctx
}

// certificateKey returns the hash of the public key that all TLS servers of httptest have.
func certificateKey() string {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	hash := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(hash[:])
}
