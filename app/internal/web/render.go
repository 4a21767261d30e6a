package web

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"simpleapp/internal/food"
)

// A page is the data of the template layout.
type page struct {
	Title  string // tells visitors which page this is
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

// parseTemplates returns a function for each page, by the name of the page. The function returns
// the set of its templates: the layout, the parts and the page's own. It parses the page's own
// template once, when it is first called. To parse those of all pages at the start would take 0.6
// ms.
func (s *Server) parseTemplates(files map[string][]byte, a assets) (
	map[string]func() (*template.Template, error), error) {
	functions := template.FuncMap{
		"asset":      a.url,
		"instance":   func() string { return s.cfg.Instance },
		"version":    func() string { return s.cfg.Version },
		"link":       newNavLink,
		"options":    options,
		"textFields": func() []food.TextField { return food.TextFields },
		"when": func(t time.Time) string {
			t = t.In(s.cfg.Location)
			return t.Format("January 2, 2006 15:04 ") + zone(t)
		},
		"day":    func(t time.Time) string { return t.Format("January 2") },
		"number": number,
	}
	parts := template.New("layout").Funcs(functions)
	for file, content := range files {
		if ok, _ := path.Match("templates/parts/*.html", file); ok {
			if _, err := parts.New(path.Base(file)).Parse(string(content)); err != nil {
				return nil, err
			}
		}
	}
	pages := make(map[string]func() (*template.Template, error))
	for file, content := range files {
		if ok, _ := path.Match("templates/*.html", file); ok {
			name := path.Base(file)
			pages[strings.TrimSuffix(name, ".html")] = sync.OnceValues(
				func() (*template.Template, error) {
					set := template.Must(parts.Clone())
					_, err := set.New(name).Parse(string(content))
					return set, err
				})
		}
	}
	return pages, nil
}

// zone returns the time zone of t as visitors everywhere understand it: UTC+08:00. It is the
// offset, because not all zones have a short name. It is the offset at t, because that of a zone
// may differ between summer and winter.
func zone(t time.Time) string { return strings.TrimSuffix(t.Format("UTC-07:00"), "+00:00") }

// render sends a page, made from the present templates. After an error it has sent nothing.
func (s *Server) render(w http.ResponseWriter, status int, name string, p page) error {
	v, err := s.view()
	if err != nil {
		return err
	}
	body, err := v.body(name, p)
	if err != nil {
		return err
	}
	send(w, status, body)
	return nil
}

// body renders a page into a buffer, so that a broken template results in an error and nothing is
// sent.
func (v *view) body(name string, p page) ([]byte, error) {
	parse, ok := v.pages[name]
	if !ok {
		return nil, fmt.Errorf("there is no template %s.html", name)
	}
	set, err := parse()
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	var body bytes.Buffer
	if err := set.ExecuteTemplate(&body, "layout", p); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return body.Bytes(), nil
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
