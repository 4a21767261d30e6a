// Package pages checks every page of the site in every state that a visitor may see: its
// accessibility, its HTML, its layout, how much a first visit loads, and how the form behaves.
package pages

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"simpleapp/internal/food"
	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
	"simpleapp/test/e2e/chrome"
)

var screenshots = flag.String("screenshots", "", "folder to write a picture of each page to")

func TestEveryPage(t *testing.T) {
	mysql := testsite.StartServer(t, testserver.StartMySQL)
	redis := testsite.StartServer(t, testserver.StartRedis)
	app := startApp(t, "MYSQL_ADDR="+mysql.Addr, "MYSQL_PASSWORD_FILE="+mysql.PasswordFile,
		"REDIS_ADDR="+redis.Addr, "REDIS_PASSWORD_FILE="+redis.PasswordFile)
	c := &checker{browser: chrome.Start(t), html: t.TempDir()}
	console := listen(t, c.browser)

	c.check(t, app, working)
	names := []string{"Ada", "李", "محمد", strings.Repeat("Wolfeschlegelsteinhausen", 4)}
	foods := []string{"寿司 🍣", "Pizza", "pizza", "Nasi lemak", "Laksa", "Chicken rice",
		"Fish and chips"}
	for i := range 30 {
		form := answers(fmt.Sprintf("%032x", i), "first_name", names[i%len(names)],
			"country", food.Countries()[i*i%40].Code, "favourite_food", foods[i*i%len(foods)])
		c.fetch(t, app, state{path: "/simpleform", form: form, status: 200})
	}
	c.check(t, app, moreThanAPage)
	addUnusualCounts(t, mysql)
	c.check(t, app, unusualResults)
	for _, server := range []*testserver.Server{mysql, redis} {
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	c.check(t, app, storesDown)
	c.check(t, faulty(t), withoutStores)
	t.Run("HTML", c.validate)
	for _, message := range console.all() {
		t.Errorf("the browser's console has %q, want nothing", message)
	}
}

// A checker checks pages in a browser and keeps their HTML.
type checker struct {
	browser context.Context
	html    string // the folder of the HTML
}

func (c *checker) check(t *testing.T, site string, states []state) {
	secure := overTLS(t, site)
	for _, s := range states {
		t.Run(s.name, func(t *testing.T) {
			body := c.fetch(t, site, s)
			if err := os.WriteFile(filepath.Join(c.html, s.name+".html"), body, 0o600); err != nil {
				t.Fatal(err)
			}
			c.open(t, secure, s) // because some messages of the console appear only over TLS
			c.open(t, site, s)
			wantTitle := s.title + " – SimpleApp"
			if got := eval[string](t, c.browser, "document.title"); got != wantTitle {
				t.Errorf("title = %q, want %q", got, wantTitle)
			}
			for _, width := range []int64{320, 360, 375, 390, 576, 768, 1280} {
				do(t, c.browser, emulate(width, "light"))
				c.checkLayout(t, fmt.Sprintf("at %d px", width))
				links := eval[[]int](t, c.browser, `[...document.querySelectorAll("header li")]
					.map((link) => link.getBoundingClientRect().top)`)
				lines, most := len(slices.Compact(links)), 1
				if width < 576 { // a phone, where a line has room for four links
					most = (len(links) + 3) / 4
				}
				if lines > most {
					t.Errorf("at %d px the %d links of the navigation are on %d lines, want %d",
						width, len(links), lines, most)
				}
			}
			do(t, c.browser, emulate(640, "light"))
			eval[string](t, c.browser, `document.documentElement.style.fontSize = "200%"`)
			c.checkLayout(t, "at 640 px with text twice as large")
			eval[string](t, c.browser, `document.documentElement.style.fontSize = ""`)
			for _, scheme := range []string{"light", "dark"} {
				for _, width := range []int64{320, 1280} {
					do(t, c.browser, emulate(width, scheme))
					for _, violation := range axe(t, c.browser) {
						t.Errorf("axe-core at %d px, %s: %s", width, scheme, violation)
					}
					c.screenshot(t, fmt.Sprintf("%s-%d-%s.png", s.name, width, scheme))
				}
			}
		})
	}
}

// fetch returns the body that the server sends for a state, and checks the status.
func (c *checker) fetch(t *testing.T, site string, s state) (body []byte) {
	t.Helper()
	s.inTime(t, func() int {
		var response *http.Response
		var err error
		if s.form != nil {
			response, err = client.PostForm(site+s.path, s.form)
		} else {
			response, err = client.Get(site + s.path)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if body, err = io.ReadAll(response.Body); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode
	})
	return body
}

// open shows a state in the browser. It submits a form from the page of the form.
func (c *checker) open(t *testing.T, site string, s state) {
	t.Helper()
	if s.form == nil {
		do(t, c.browser, chromedp.Navigate(site+s.path))
		return
	}
	values, err := json.Marshal(s.form)
	if err != nil {
		t.Fatal(err)
	}
	submit := chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(({form, path}) => {
		const target = document.getElementById("simpleform");
		for (const field of target.elements) {
			if (field.type === "checkbox") field.checked = field.name in form;
			else if (field.name) field.value = form[field.name]?.[0] ?? "";
		}
		target.action = path;
		target.submit();
		return {};
	})({form: %s, path: %q})`, values, s.path))
	s.inTime(t, func() int {
		do(t, c.browser, chromedp.Navigate(site+"/simpleform"))
		return int(chrome.Open(t, c.browser, submit).Status)
	})
}

// screenshot writes a picture of the whole page, if the flag screenshots is set.
func (c *checker) screenshot(t *testing.T, name string) {
	t.Helper()
	if *screenshots == "" {
		return
	}
	png := chrome.Value(t, c.browser, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(*screenshots, name), png, 0o644); err != nil {
		t.Fatal(err)
	}
}
