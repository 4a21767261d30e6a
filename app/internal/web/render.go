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

// A page is what the layout needs to know.
type page struct {
	Title  string // unique
	Nav    string // the path of the page, to mark it in the navigation
	Visits string // the badge; "" shows none
	Data   any
}

// A navLink is an entry of the navigation.
type navLink struct {
	Path, Text string
	Current    bool
}

// parseTemplates returns a set of templates for each page: the layout, the parts, and the page's own.
func (s *Server) parseTemplates() (map[string]*template.Template, error) {
	functions := template.FuncMap{
		"asset":      s.assets.url,
		"instance":   func() string { return s.cfg.Instance },
		"version":    func() string { return s.cfg.Version },
		"link":       func(current, path, text string) navLink { return navLink{path, text, path == current} },
		"options":    options,
		"textFields": func() []food.TextField { return food.TextFields },
		"when": func(t time.Time) string {
			return t.In(s.cfg.Location).Format("January 2, 2006 15:04")
		},
		"day":    func(t time.Time) string { return t.Format("January 2") },
		"number": number,
	}
	base, err := template.New("layout").Funcs(functions).ParseFS(templateFiles, "templates/parts/*.html")
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
		t, err := template.Must(base.Clone()).ParseFS(templateFiles, path.Join("templates", file.Name()))
		if err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(file.Name(), ".html")] = t
	}
	return pages, nil
}

// render sends a page. It renders the page into a buffer first, so that a broken template gives an
// error and never half a page.
func (s *Server) render(w http.ResponseWriter, status int, name string, p page) error {
	var body bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&body, "layout", p); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	send(w, status, body.Bytes())
	return nil
}

// send sends a page that is given in parts.
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
