package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"simpleapp/internal/food"
)

//go:embed templates
var templateFiles embed.FS

// A page is the data of the template layout.
type page struct {
	Title  string // unique among the pages
	Nav    string // the path that the navigation marks as the current page
	Visits string // the text of the badge; "" shows no badge
	Data   any    // for the template of the page
}

// A navLink is an entry of the navigation.
type navLink struct {
	Path, Text string
	Current    bool
}

func newNavLink(current, path, text string) navLink {
	return navLink{path, text, path == current}
}

// parseTemplates returns a set of templates for each page, by the name of the page. Each set
// contains the layout, the parts and the page's own template.
func (s *Server) parseTemplates() (map[string]*template.Template, error) {
	functions := template.FuncMap{
		"asset":      s.assets.url,
		"instance":   func() string { return s.cfg.Instance },
		"version":    func() string { return s.cfg.Version },
		"link":       newNavLink,
		"options":    options,
		"textFields": func() []food.TextField { return food.TextFields },
		"when": func(t time.Time) string {
			return t.In(s.cfg.Location).Format("January 2, 2006 15:04")
		},
		"day":    func(t time.Time) string { return t.Format("January 2") },
		"number": number,
	}
	base := template.New("layout").Funcs(functions)
	base, err := base.ParseFS(templateFiles, "templates/parts/*.html")
	if err != nil {
		return nil, err
	}
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	pages := make(map[string]*template.Template)
	for _, file := range files {
		if file.IsDir() {
			continue
		}
		source := path.Join("templates", file.Name())
		t, err := template.Must(base.Clone()).ParseFS(templateFiles, source)
		if err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(file.Name(), ".html")] = t
	}
	return pages, nil
}

// render sends a page. It renders the page into a buffer first, so that a broken template results
// in an error and nothing is sent.
func (s *Server) render(w http.ResponseWriter, status int, name string, p page) error {
	var body bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&body, "layout", p); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	send(w, status, body.Bytes())
	return nil
}

// send sends the parts of a page one after the other.
func send(w http.ResponseWriter, status int, parts ...[]byte) {
	var length int
	for _, part := range parts {
		length += len(part)
	}
	h := w.Header()
	h["Content-Type"] = contentTypeHTML
	h["Content-Length"] = []string{strconv.Itoa(length)}
	w.WriteHeader(status)
	for _, part := range parts {
		w.Write(part)
	}
}

var contentTypeHTML = []string{"text/html; charset=utf-8"}

func setRetryAfter(w http.ResponseWriter, seconds int) {
	if seconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
}
