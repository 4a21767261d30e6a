package pages

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"simpleapp/test/e2e/chrome"
)

// patience is how long a step in the browser may take, on a machine that is busy with other things.
const patience = 30 * time.Second

// newBrowser starts Chromium with an empty profile, and returns the context of its tab.
func newBrowser(t *testing.T, options ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	return chrome.Start(t, options...)
}

// do runs actions that have to succeed.
func do(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// eval returns what a script, or the promise that it gives, comes to in the page.
func eval[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// waitFor waits until a script comes to true in the page, which may be another by then.
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
			t.Fatalf("%s does not become true (%v)", script, err)
		}
	}
}

// emulate makes the window so wide and the system's colours light or dark.
func emulate(width int64, scheme string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		if _, err := chromedp.EmulateViewport(width, 900)(ctx, target); err != nil {
			return chromedp.Void{}, err
		}
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return chromedp.Void{}, err
	}
}
