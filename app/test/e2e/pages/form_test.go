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

	"simpleapp/internal/food"
	"simpleapp/internal/testsite"
	"simpleapp/test/e2e/chrome"
)

// fillIn opens the form and fills it in.
func fillIn(t *testing.T, browser context.Context, site string) {
	t.Helper()
	do(t, browser, chromedp.Navigate(site+"/simpleform"), chrome.FillIn(testsite.Form()))
}

func TestDoubleClickSendsOnce(t *testing.T) {
	app, browser := startApp(t, "DATA_DIR="+t.TempDir()), chrome.Start(t)
	var posts atomic.Int64
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	releaseAll := sync.OnceFunc(func() { close(release) })
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
	t.Cleanup(releaseAll)

	fillIn(t, browser, named("http", slow.Listener.Addr().String()))
	eval[struct{}](t, browser, `((button) => {
		new MutationObserver(() => {
			sessionStorage.setItem("button", button.textContent + " " + button.ariaDisabled);
		}).observe(button, {childList: true, attributes: true});
		return {};
	})(document.querySelector("#simpleform button"))`)
	at := eval[map[string]float64](t, browser, `((button) => {
		button.scrollIntoView({block: "center"});
		const {x, y} = button.getBoundingClientRect();
		return {x: x + 5, y: y + 5};
	})(document.querySelector("#simpleform button"))`)
	do(t, browser, click(at["x"], at["y"]))
	select {
	case <-arrived:
	case <-time.After(patience):
		t.Fatalf("the browser did not send the form in %v", patience)
	}
	do(t, browser, click(at["x"], at["y"]))
	releaseAll()
	waitFor(t, browser, `location.pathname === "/simpleform/success"`)
	const want = "Sending… true"
	if got := eval[string](t, browser, `sessionStorage.getItem("button")`); got != want {
		t.Errorf("while the form was sent, the button was %q, want %q", got, want)
	}
	if n := posts.Load(); n != 1 {
		t.Errorf("the form was sent %d times, want once", n)
	}
}

// If no answer comes for 15 s, the script lets the visitor submit the form again. If the visitor
// comes back to the form and submits it again before that, the first timer does not allow a double
// click on the second submission. The test replaces the browser's timers by a list, so that it need
// not wait.
func TestTimeoutOfEarlierSubmissionEnds(t *testing.T) {
	site, browser := startApp(t, "DATA_DIR="+t.TempDir()), chrome.Start(t)
	do(t, browser, chromedp.Navigate(site+"/simpleform"))
	const timeouts = `(() => {
		const pending = new Set();
		let last = 0;
		window.setTimeout = () => { pending.add(++last); return last; };
		window.clearTimeout = (timeout) => pending.delete(timeout);
		const form = document.getElementById("simpleform");
		const submit = () => form.dispatchEvent(new Event("submit", {cancelable: true}));
		submit();
		dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}));
		submit();
		return [...pending].join();
	})()`
	if got := eval[string](t, browser, timeouts); got != "2" {
		t.Errorf("the timeouts %q are pending, want only that of the second submission", got)
	}
}

// click presses and releases the mouse at a place, even while another page loads. chromedp.Click
// would wait.
func click(x, y float64) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		for _, event := range []input.DispatchMouseEventType{
			input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased,
		} {
			_, err := cdp.Call(ctx, target, input.DispatchMouseEvent,
				input.DispatchMouseEventParams{Type: event, X: x, Y: y,
					Button: input.MouseButtonLeft, ClickCount: 1})
			if err != nil {
				return chromedp.Void{}, err
			}
		}
		return chromedp.Void{}, nil
	}
}

// enter presses and releases the Enter key. As with a keyboard, one event has both the key and its
// character. chromedp.KeyEvent sends one event for the key and one for its character. With that,
// Enter on a link to a field would also submit the form.
func enter(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
	down := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown,
		Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, Text: "\r"}
	if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, down); err != nil {
		return chromedp.Void{}, err
	}
	up := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp,
		Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13}
	_, err := cdp.Call(ctx, target, input.DispatchKeyEvent, up)
	return chromedp.Void{}, err
}

// The keyboard is enough to skip the navigation, to submit the form, and to go from each error to
// its field.
func TestFormWorksWithTheKeyboard(t *testing.T) {
	site, browser := startApp(t, "DATA_DIR="+t.TempDir()), chrome.Start(t)
	const focused = "document.activeElement.id"
	do(t, browser, emulate(320, "light"), chromedp.Navigate(site+"/simpleform"),
		chromedp.KeyEvent(kb.Tab))
	const skip = "Skip to main content"
	if got := eval[string](t, browser, "document.activeElement.textContent"); got != skip {
		t.Errorf("the first stop of the keyboard is %q, want %q", got, skip)
	}
	do(t, browser, enter)
	waitFor(t, browser, focused+` === "main"`)
	do(t, browser, chromedp.KeyEvent(kb.Tab))
	if got := eval[string](t, browser, focused); got != "first_name" {
		t.Errorf("the first stop after the navigation is %q, want first_name", got)
	}
	do(t, browser, enter) // submits the form
	waitFor(t, browser, focused+` === "error-summary"`)

	var fields []string
	for _, field := range food.TextFields {
		fields = append(fields, field.Name)
	}
	fields = append(fields, "country", "pledge")
	for i, field := range fields {
		link := chromedp.CSS(fmt.Sprintf("#error-summary li:nth-child(%d) a", i+1))
		do(t, browser, chromedp.Focus(link), enter)
		waitFor(t, browser, fmt.Sprintf("%s === %q", focused, field))
		const outline = "getComputedStyle(document.activeElement).outlineWidth"
		if got := eval[string](t, browser, outline); got != "3px" {
			t.Errorf("the outline of %s, which has the focus, is %s wide, want 3px", field, got)
		}
		// The error is in the window together with its field.
		waitFor(t, browser, fmt.Sprintf(`
			document.getElementById("%s-error").getBoundingClientRect().top >= 0 &&
			document.activeElement.getBoundingClientRect().bottom <= innerHeight`, field))
	}
}
