package pages

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"simpleapp/internal/testsite"
	"simpleapp/test/e2e/chrome"
)

// npm installs these files. Their versions are in ../package-lock.json.
const (
	axeFile = "../node_modules/axe-core/axe.min.js"
	vnuFile = "../node_modules/vnu-jar/build/dist/vnu.jar"
)

// A violation is a rule of axe-core that a page breaks.
type violation struct {
	ID, Help string
	Nodes    []struct {
		HTML           string
		FailureSummary string
	}
}

func (v violation) String() string { return fmt.Sprintf("%s: %s: %+v", v.ID, v.Help, v.Nodes) }

// axe returns the violations that axe-core finds in the page as it is now. It checks all of
// axe-core's default rules, and the rule of WCAG 2.2 on the size of targets.
func axe(t *testing.T, browser context.Context) []violation {
	t.Helper()
	script, err := os.ReadFile(axeFile)
	if err != nil {
		t.Fatalf("%v (`make check-pages` installs it)", err)
	}
	if !eval[bool](t, browser, "'axe' in window") {
		eval[bool](t, browser, string(script)+"; true")
	}
	return eval[[]violation](t, browser,
		`axe.run({rules: {"target-size": {enabled: true}}}).then((results) => results.violations)`)
}

// checkLayout checks that the page is not wider than the window, and that there are at least 8 px
// between any two buttons.
func (c *checker) checkLayout(t *testing.T, where string) {
	t.Helper()
	for _, problem := range eval[[]string](t, c.browser, `(() => {
		const problems = [];
		const {scrollWidth, clientWidth} = document.documentElement;
		if (scrollWidth > clientWidth) {
			problems.push("the page is " + scrollWidth + " px wide, want " + clientWidth);
		}
		const buttons = [...document.querySelectorAll(".btn")]
			.map((button) => [button.textContent, button.getBoundingClientRect()]);
		for (const [i, [name, a]] of buttons.entries()) {
			for (const [other, b] of buttons.slice(i + 1)) {
				const gap = Math.max(a.left - b.right, b.left - a.right,
					a.top - b.bottom, b.top - a.bottom);
				if (gap < 8) {
					problems.push(gap + " px between " + name + " and " + other + ", want 8");
				}
			}
		}
		return problems;
	})()`) {
		t.Errorf("%s: %s", where, problem)
	}
}

// validate checks the HTML of all pages with the W3C's checker.
func (c *checker) validate(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(c.html, "*.html"))
	if err != nil {
		t.Fatal(err)
	}
	if want := len(working) + len(moreThanAPage) + len(unusualResults) + len(storesDown) +
		len(withoutStores); len(pages) != want {
		t.Errorf("%d pages are checked, want %d", len(pages), want)
	}
	args := append([]string{"-jar", vnuFile, "--stdout", "--format", "json"}, pages...)
	output, err := exec.Command("java", args...).Output()
	var found struct {
		Messages []struct {
			Type, URL, Message, Extract string
			LastLine                    int
		}
	}
	if jsonErr := json.Unmarshal(output, &found); jsonErr != nil {
		t.Fatalf("the W3C's checker printed %q: %v", output, err)
	}
	for _, m := range found.Messages {
		t.Errorf("%s in %s, line %d: %s: %s",
			m.Type, filepath.Base(m.URL), m.LastLine, m.Message, m.Extract)
	}
	if err != nil && len(found.Messages) == 0 {
		t.Error(err)
	}
}

// A first visit to the home page loads at most 30 KB: the page, two styles, the script, and the
// icon, which the browser may fetch so late that the test does not see it.
func TestFirstVisitIsLight(t *testing.T) {
	site, browser := startApp(t, "DATA_DIR="+t.TempDir()), chrome.Start(t)
	var mu sync.Mutex
	sent, bytes := make(map[network.RequestID]bool), make(map[network.RequestID]float64)
	err := chromedp.Listen(browser, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if strings.HasPrefix(e.Request.URL, site) {
				sent[e.RequestID] = true
			}
		case *network.EventLoadingFinished:
			bytes[e.RequestID] = e.EncodedDataLength
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	do(t, browser, chromedp.Navigate(site+"/"))
	testsite.Eventually(t, "all requests of the page have ended", func() error {
		mu.Lock()
		defer mu.Unlock()
		for id := range sent {
			if _, ended := bytes[id]; !ended {
				return fmt.Errorf("of %d, one has not", len(sent))
			}
		}
		return nil
	})
	mu.Lock()
	defer mu.Unlock()
	total := 0.0
	for id := range sent {
		total += bytes[id]
	}
	t.Logf("a first visit: %.0f bytes, %d requests", total, len(sent))
	if total > 30_000 || len(sent) > 5 || len(sent) < 4 {
		t.Errorf("a first visit loads %.0f bytes in %d requests, want at most 30000 in 4 or 5",
			total, len(sent))
	}
}

// A console collects what the browser reports about its pages: the output and the exceptions of
// scripts, and errors in a page or its headers.
type console struct {
	mu       sync.Mutex
	messages []string
}

// listen collects the messages of all pages that the tab shows from now on.
func listen(t *testing.T, browser context.Context) *console {
	t.Helper()
	c := &console{}
	err := chromedp.Listen(browser, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded:
			// The browser also reports the status of an error page, which is no error of the site.
			isStatus := strings.HasPrefix(e.Entry.Text,
				"Failed to load resource: the server responded with a status of")
			if !isStatus || strings.Contains(e.Entry.URL, "/static/") {
				c.add("%s: %s", e.Entry.URL, e.Entry.Text)
			}
		case *runtime.EventConsoleAPICalled:
			c.add("%s: %+v", e.Type, e.Args)
		case *runtime.EventExceptionThrown:
			c.add("%s: %s", e.ExceptionDetails.URL, e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *console) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = append(c.messages, fmt.Sprintf(format, args...))
}

// all returns the messages so far.
func (c *console) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.messages
}
