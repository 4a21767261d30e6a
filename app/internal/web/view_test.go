package web_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"simpleapp/internal/testsite"
	"simpleapp/internal/web"
)

// A developer sees a changed template or style at the next reload, and may save a broken one.
func TestChangedFilesShow(t *testing.T) {
	dir := t.TempDir()
	save := func(file, content string) {
		t.Helper()
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var logs strings.Builder
	cfg := newConfig(t, testsite.EmptySQLite(t), slog.New(slog.NewTextHandler(&logs, nil)))
	cfg.Files = os.DirFS(dir)
	server, err := web.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	site := serveSite(t, server)
	// await waits until the body of a page has this text.
	await := func(path func() string, want string) {
		t.Helper()
		testsite.Eventually(t, "a page has "+want, func() error {
			if page := testsite.Get(t, site+path()); !strings.Contains(page.Body, want) {
				return fmt.Errorf("GET %s = %d\n%s", path(), page.StatusCode, page.Body)
			}
			return nil
		})
	}
	home := func() string { return "/" }
	styles := func() string {
		return regexp.MustCompile(`/static/site[^"]+css`).FindString(testsite.Get(t, site+"/").Body)
	}
	await(home, "<h1") // an empty folder changes nothing
	save("templates/home.html", `{{define "main"}}<h1>Changed</h1>{{end}}`)
	await(home, "<h1>Changed</h1>")
	save("templates/home.html", `{{define "main"}}<h1>{{end`)
	await(home, "home.html:1") // the error stands in the page of the site
	logs.Reset()
	testsite.WantBody(t, testsite.Get(t, site+"/"), "Something went wrong", "home.html:1",
		"</footer>")
	if log := logs.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "home.html") {
		t.Errorf("a broken template is logged as\n%s\nwant one line that names it", log)
	}
	save("templates/home.html", `{{define "main"}}{{.NoSuchField}}{{end}}`)
	for range 3 { // as long as it is broken
		await(home, "NoSuchField")
	}
	testsite.WantBody(t, testsite.Get(t, site+"/no-such-page"), "Page not found", "</footer>")
	save("templates/home.html", `{{define "main"}}<h1>Whole</h1>{{end}}`)
	await(home, "<h1>Whole</h1>")
	save("static/dist/site.css", "main { color: red }") // built earlier
	save("static/site.css", "main { color: teal }")
	await(styles, "teal")
}

// The log names the one set of files that the site uses.
func TestNewSaysWhichFilesItUses(t *testing.T) {
	const changed, builtIn = "take the place of the program's own", "the program's own are used"
	unreadable := filepath.Join(t.TempDir(), "templates") // a link to itself
	if err := os.Symlink(unreadable, unreadable); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		t.TempDir(): changed, filepath.Dir(unreadable): builtIn,
	} {
		var logs strings.Builder
		cfg := newConfig(t, testsite.EmptySQLite(t), slog.New(slog.NewTextHandler(&logs, nil)))
		cfg.Files = os.DirFS(dir)
		if _, err := web.New(cfg); err != nil {
			t.Fatal(err)
		}
		log := logs.String()
		if !strings.Contains(log, want) ||
			strings.Contains(log, changed) && strings.Contains(log, builtIn) {
			t.Errorf("the log is\n%s\nwant of its two sentences only %q", log, want)
		}
	}
}
