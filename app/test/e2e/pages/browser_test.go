package pages

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"simpleapp/test/e2e/chrome"
)

// Names of the package chrome that this package uses often.
const patience = chrome.Patience

var do = chrome.Do

// eval runs a script in the page and returns its value. It waits if that is a promise.
func eval[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	return chrome.Value(t, ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// waitFor waits until a script returns true. The page may change meanwhile.
func waitFor(t *testing.T, ctx context.Context, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for ; ; time.Sleep(20 * time.Millisecond) {
		done, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
		if err == nil && done {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s is not true within %v: %v", script, patience, err)
		}
	}
}

// goBack does what the browser's Back button does. It does not wait for the page.
func goBack(t *testing.T, ctx context.Context) {
	t.Helper()
	leave(t, ctx, "history.back()")
}

// goForward does what the browser's Forward button does. It does not wait for the page.
func goForward(t *testing.T, ctx context.Context) {
	t.Helper()
	leave(t, ctx, "history.forward()")
}

// leave runs a script that leads to another page. The browser may leave the page before it answers.
func leave(t *testing.T, ctx context.Context, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	script += ", {}" // Evaluate needs a value
	_, err := chromedp.Run(ctx, chromedp.Evaluate[struct{}](script))
	if err != nil && !strings.Contains(err.Error(), "Inspected target navigated") {
		t.Fatal(err)
	}
}

// emulate sets the width of the window and the colour scheme: light or dark.
func emulate(width int64, scheme string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		if _, err := chromedp.EmulateViewport(width, 900)(ctx, target); err != nil {
			return chromedp.Void{}, err
		}
		feature := &emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme}
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia,
			emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{feature}})
		return chromedp.Void{}, err
	}
}
