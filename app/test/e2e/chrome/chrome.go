// Package chrome starts the browser of the tests, and does in it what several of them need.
package chrome

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Patience is how long a step in the browser may take, on a machine that is busy with other tests.
const Patience = 30 * time.Second

// Start starts Chromium with an empty profile and returns the context of its tab. The browser ends
// with the test. It resolves every host under .test to this machine, and trusts the certificate of
// httptest.
func Start(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // the tests may run as root, and visit this one site alone
		chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"),
		// With --ignore-certificate-errors, Chromium would not keep pages in its cache.
		chromedp.Flag("ignore-certificate-errors-spki-list", certificateKey()),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true))
	options = append(options, more...)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() { chromedp.Cancel(ctx); cancel() })
	// The browser lives as long as this context, which therefore has no deadline.
	late := time.AfterFunc(2*Patience, cancel)
	defer late.Stop()
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return ctx
}

// Do runs actions, which must succeed within Patience.
func Do(t *testing.T, browser context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(browser, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// Value runs an action, which must succeed within Patience, and returns its value.
func Value[T any](t *testing.T, browser context.Context, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(browser, Patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Open runs an action that leads to another page, and returns the response of that page. It must
// load within Patience.
func Open(t *testing.T, browser context.Context, action chromedp.Action[chromedp.Void],
) *network.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(browser, Patience)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// certificateKey returns the hash of the public key that all TLS servers of httptest share.
func certificateKey() string {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	hash := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(hash[:])
}

// FillIn fills in the form that the browser shows. Each text field must be empty.
func FillIn(form url.Values) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		for _, name := range slices.Sorted(maps.Keys(form)) {
			field, answer := chromedp.CSS("[name="+name+"]"), form.Get(name)
			var err error
			switch name {
			case "token": // the page has its own
			case "country":
				_, err = chromedp.SetValue(field, answer)(ctx, target)
			case "pledge":
				_, err = chromedp.Click(field)(ctx, target)
			default:
				_, err = chromedp.Focus(field)(ctx, target)
				if err == nil { // chromedp.SendKeys would take too long for a long answer
					_, err = cdp.Call(ctx, target, input.InsertText,
						input.InsertTextParams{Text: answer})
				}
			}
			if err != nil {
				return fmt.Errorf("fill in %s: %w", name, err)
			}
		}
		return nil
	})
}

// Submit submits the form that the browser shows, and waits for the page that follows. That page
// must have the status want. If the answer is 503 instead, because the disk takes some seconds,
// Submit submits the form of that page, for a minute.
func Submit(t *testing.T, browser context.Context, want int64) {
	t.Helper()
	button := chromedp.CSS("#simpleform button[type=submit]")
	for deadline := time.Now().Add(time.Minute); ; {
		status := Open(t, browser, chromedp.Click(button)).Status
		if status == want {
			return
		}
		if status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			t.Fatalf("submit the form = %d, want %d", status, want)
		}
	}
}

// Scripts turns the scripts of pages on or off.
func Scripts(on bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled,
			emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}
