package pages

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// fillIn answers every question of the form that the browser shows.
func fillIn(t *testing.T, browser context.Context, site string) {
	t.Helper()
	do(t, browser, chromedp.Navigate(site+"/simpleform"),
		chromedp.SendKeys(chromedp.CSS("[name=first_name]"), "Ada"),
		chromedp.SendKeys(chromedp.CSS("[name=last_name]"), "Lovelace"),
		chromedp.SendKeys(chromedp.CSS("[name=favourite_food]"), "Syllabub"),
		chromedp.SetValue(chromedp.CSS("[name=country]"), "GB"),
		chromedp.Click(chromedp.CSS("[name=pledge]")))
}

func TestDoubleClickSendsOnce(t *testing.T) {
	app, browser := startApp(t, "DATA_DIR="+t.TempDir()), newBrowser(t)
	var posts atomic.Int64
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	done := sync.OnceFunc(func() { close(release) })
	proxy := proxyTo(t, app)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posts.Add(1)
			arrived <- struct{}{}
			<-release
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(slow.Close)
	t.Cleanup(done)

	fillIn(t, browser, named("http", slow.Listener.Addr().String()))
	eval[struct{}](t, browser, `new MutationObserver(() => {
		const button = document.querySelector("#simpleform button");
		sessionStorage.setItem("said", button.textContent + " " + button.ariaDisabled);
	}).observe(document.querySelector("#simpleform button"), {childList: true, attributes: true}), {}`)
	at := eval[map[string]float64](t, browser, `((button) => {
		button.scrollIntoView({block: "center"});
		const {x, y} = button.getBoundingClientRect();
		return {x: x + 5, y: y + 5};
	})(document.querySelector("#simpleform button"))`)
	do(t, browser, click(at["x"], at["y"]))
	select {
	case <-arrived:
	case <-time.After(patience):
		t.Fatal("the form was not sent")
	}
	do(t, browser, click(at["x"], at["y"]))
	done()
	waitFor(t, browser, `location.pathname === "/simpleform/success"`)
	if said := eval[string](t, browser, `sessionStorage.getItem("said")`); said != "Sending… true" {
		t.Errorf("while the form was on its way, the button was %q", said)
	}
	if n := posts.Load(); n != 1 {
		t.Errorf("sent %d times, want once", n)
	}
}

// click presses and releases the mouse, wherever the page is just going. (chromedp.Click waits.)
func click(x, y float64) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		for _, event := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
			_, err := cdp.Call(ctx, target, input.DispatchMouseEvent, input.DispatchMouseEventParams{
				Type: event, X: x, Y: y, Button: input.MouseButtonLeft, ClickCount: 1})
			if err != nil {
				return chromedp.Void{}, err
			}
		}
		return chromedp.Void{}, nil
	}
}

// enter presses the Enter key as a keyboard does: what the key's going down has done is not done again
// by the character that it types. (chromedp.KeyEvent sends both apart, so that Enter on a link to a
// field would also send the form.)
func enter(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
	down := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, Text: "\r"}
	if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, down); err != nil {
		return chromedp.Void{}, err
	}
	up := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13}
	_, err := cdp.Call(ctx, target, input.DispatchKeyEvent, up)
	return chromedp.Void{}, err
}

// The keyboard is enough: past the navigation, and from what is wrong to where it is mended.
func TestKeyboard(t *testing.T) {
	site, browser := startApp(t, "DATA_DIR="+t.TempDir()), newBrowser(t)
	const focused = "document.activeElement.id"
	do(t, browser, emulate(320, "light"), chromedp.Navigate(site+"/simpleform"), chromedp.KeyEvent(kb.Tab))
	if got := eval[string](t, browser, "document.activeElement.textContent"); got != "Skip to main content" {
		t.Errorf("the first stop of the keyboard is %q", got)
	}
	do(t, browser, enter)
	waitFor(t, browser, focused+` === "main"`)
	do(t, browser, chromedp.KeyEvent(kb.Tab))
	if got := eval[string](t, browser, focused); got != "first_name" {
		t.Errorf("the first stop after the navigation is %q", got)
	}
	do(t, browser, enter) // sends the form
	waitFor(t, browser, focused+` === "error-summary"`)

	for i, field := range []string{"first_name", "last_name", "favourite_food", "country", "pledge"} {
		do(t, browser, chromedp.Focus(chromedp.CSS(fmt.Sprintf("#error-summary li:nth-child(%d) a", i+1))), enter)
		waitFor(t, browser, fmt.Sprintf("%s === %q", focused, field))
		// What is wrong is in sight together with the field.
		waitFor(t, browser, fmt.Sprintf(`document.getElementById("%s-error").getBoundingClientRect().top >= 0 &&
			document.activeElement.getBoundingClientRect().bottom <= innerHeight`, field))
	}
}
