// Package pages checks every page of the site, in every state that a visitor may meet: whether
// everybody can use it, whether its HTML is right, and how much a first visit has to load.
package pages

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"simpleapp/internal/food"
	"simpleapp/internal/testserver"
)

var screenshots = flag.String("screenshots", "", "folder to write a picture of each page to")

// A state is a page as a visitor may meet it.
type state struct {
	name   string
	path   string
	form   url.Values // to be sent to path, if any
	status int
	title  string
}

const (
	token      = "00112233445566778899aabbccddeeff"
	otherToken = "ffeeddccbbaa99887766554433221100"
)

// answers returns a form that is right, but for the fields given as name and value.
func answers(token string, changes ...string) url.Values {
	form := url.Values{"token": {token}, "first_name": {"Siti"}, "last_name": {"Nurhaliza O’Brien"},
		"favourite_food": {"Nasi lemak"}, "country": {"MY"}, "pledge": {"yes"}}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return form
}

var empty = url.Values{"token": {token}}

// The states come in the order in which they are met.
var (
	working = []state{
		{"home", "/", nil, 200, "Home"},
		{"submissions-empty", "/submissions", nil, 200, "MySQL Data"},
		{"results-empty", "/results", nil, 200, "Results"},
		{"form", "/simpleform", nil, 200, "Simple Form"},
		{"form-errors", "/simpleform", empty, 422, "Error: Simple Form"},
		{"form-came-apart", "/simpleform", answers("?", "first_name", strings.Repeat("long", 26)), 422, "Error: Simple Form"},
		{"success", "/simpleform", answers(token), 200, "Your answers are stored"},
		{"conflict", "/simpleform", answers(token, "favourite_food", "Laksa"), 409, "Error: Your first answers stand"},
		{"submissions", "/submissions", nil, 200, "MySQL Data"},
		{"results-first", "/results?top=" + strings.Repeat("9", 1000), nil, 200, "Results"},
		{"not-found", "/no-such-page", nil, 404, "Page not found"},
		{"method", "/submissions", empty, 405, "That can’t be done here"},
		{"too-large", "/simpleform", answers(otherToken, "favourite_food", strings.Repeat("long", 5000)), 413, "That is too long"},
	}
	// More submissions than fit on a page.
	many = []state{
		{"submissions-newest", "/submissions", nil, 200, "MySQL Data"},
		{"submissions-middle", "/submissions?before=30", nil, 200, "MySQL Data, continued"},
		{"submissions-end", "/submissions?before=1", nil, 200, "MySQL Data, continued"},
		{"results", "/results", nil, 200, "Results"},
	}
	// Foods of every kind, and numbers of every size.
	odd = []state{{"results-odd", "/results", nil, 200, "Results"}}
	// Neither MySQL nor Redis answers.
	down = []state{
		{"home-down", "/", nil, 200, "Home"},
		{"form-down", "/simpleform", answers(otherToken), 503, "Error: Simple Form"},
		{"success-down", "/simpleform/success?reference=0123-4567-89ab", nil, 200, "Your answers are stored"},
		{"submissions-down", "/submissions", nil, 503, "The records can’t be read right now"},
		{"results-down", "/results", nil, 503, "The records can’t be read right now"},
	}
	// The program has a fault: it was given no database.
	broken = []state{{"broken", "/submissions", nil, 500, "Something went wrong"}}
)

func TestEveryPage(t *testing.T) {
	mysql, redis := startServer(t, testserver.StartMySQL), startServer(t, testserver.StartRedis)
	app := startApp(t, "MYSQL_ADDR="+mysql.Addr, "MYSQL_PASSWORD_FILE="+mysql.PasswordFile,
		"REDIS_ADDR="+redis.Addr, "REDIS_PASSWORD_FILE="+redis.PasswordFile)
	c := &checker{browser: newBrowser(t), html: t.TempDir()}
	console := listen(t, c.browser)

	c.check(t, app, working)
	names := []string{"Ada", "李", "محمد", strings.Repeat("Wolfeschlegelsteinhausen", 4)}
	for i := range 30 {
		form := answers(fmt.Sprintf("%032x", i), "first_name", names[i%len(names)], "country", food.Countries()[i*i%40].Code,
			"favourite_food", []string{"寿司 🍣", "Pizza", "pizza", "Nasi lemak", "Laksa", "Chicken rice", "Fish and chips"}[i*i%7])
		c.fetch(t, app, state{path: "/simpleform", form: form, status: 200})
	}
	c.check(t, app, many)
	countOdd(t, mysql)
	c.check(t, app, odd)
	for _, server := range []*testserver.Server{mysql, redis} {
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	c.check(t, app, down)
	c.check(t, faulty(t), broken)
	t.Run("HTML", c.validate)
	for _, message := range console.all() {
		t.Errorf("the browser's console says %s", message)
	}
}

// countOdd counts what nobody would submit by hand: foods of 100 characters in every script, millions of times.
func countOdd(t *testing.T, mysql *testserver.Server) {
	t.Helper()
	times := make(map[string]int64)
	for day := range int64(30) {
		times[time.Now().UTC().AddDate(0, 0, -int(day)).Format("2006-01-02 15:00")] = 1_000_000 * (day * 7 % 11)
	}
	log, err := json.Marshal(map[string]any{
		"foods": map[string]int64{strings.Repeat("W", 100): 987_654_321_987, "كبسة الدجاج مع الأرز والصنوبر والزبيب": 654_321_987, "<b>bold</b> & \"quoted\"": 54_321_987,
			strings.Repeat("🍕", 100): 4_321_987, strings.Repeat("Pasta ", 16) + "etc.": 321_987, "\u202eright to left": 21_987, "Z̸̧̡̛͖͉a̸̳͝l̸g̷o̶": 1_987, strings.Repeat("麵", 100): 987},
		"countries": map[string]int64{"GS": 987_654_321_987, "SG": 1},
		"quarters":  times,
	})
	if err != nil {
		t.Fatal(err)
	}
	root := mysql.Root()
	defer root.Close()
	if _, err := root.Exec("INSERT INTO tally_log (counts) VALUES (?)", log); err != nil {
		t.Fatal(err)
	}
}

// A checker checks pages in a browser and gathers their HTML.
type checker struct {
	browser context.Context
	html    string // folder of what the server sent
}

func (c *checker) check(t *testing.T, site string, states []state) {
	secure := overTLS(t, site)
	for _, s := range states {
		t.Run(s.name, func(t *testing.T) {
			body := c.fetch(t, site, s)
			if err := os.WriteFile(filepath.Join(c.html, s.name+".html"), body, 0o600); err != nil {
				t.Fatal(err)
			}
			c.arrive(t, secure, s) // for what the console says
			c.arrive(t, site, s)
			if got, want := eval[string](t, c.browser, "document.title"), s.title+" – SimpleApp"; got != want {
				t.Errorf("title = %q, want %q", got, want)
			}
			for _, width := range []int64{320, 360, 375, 390, 768, 1280} {
				do(t, c.browser, emulate(width, "light"))
				c.checkLayout(t, fmt.Sprintf("at %d px", width))
				if lines := eval[int](t, c.browser, `new Set([...document.querySelectorAll("header li")]
					.map((link) => link.getBoundingClientRect().top)).size`); lines != 1 {
					t.Errorf("at %d px the links of the navigation are on %d lines", width, lines)
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
					c.picture(t, fmt.Sprintf("%s-%d-%s.png", s.name, width, scheme))
				}
			}
		})
	}
}

// fetch returns what the server sends.
func (c *checker) fetch(t *testing.T, site string, s state) []byte {
	t.Helper()
	response, err := client.Get(site + s.path)
	if s.form != nil {
		response, err = client.PostForm(site+s.path, s.form)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != s.status {
		t.Fatalf("%s = %d, want %d", s.path, response.StatusCode, s.status)
	}
	return body
}

// arrive brings the browser to a state. A form is filled in and sent from the page that has it.
func (c *checker) arrive(t *testing.T, site string, s state) {
	t.Helper()
	if s.form == nil {
		do(t, c.browser, chromedp.Navigate(site+s.path))
		return
	}
	values, err := json.Marshal(s.form)
	if err != nil {
		t.Fatal(err)
	}
	do(t, c.browser, chromedp.Navigate(site+"/simpleform"))
	_, err = chromedp.RunResponse(c.browser, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(({form, path}) => {
			const target = document.getElementById("simpleform");
			for (const field of target.elements) {
				if (field.type === "checkbox") field.checked = field.name in form;
				else if (field.name) field.value = form[field.name]?.[0] ?? "";
			}
			target.action = path;
			target.submit();
			return {};
		})({form: %s, path: %q})`, values, s.path))(ctx, target)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// picture writes a picture of the whole page, if pictures are wanted.
func (c *checker) picture(t *testing.T, name string) {
	t.Helper()
	if *screenshots == "" {
		return
	}
	png, err := chromedp.Run(c.browser, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name), png, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
