package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"strings"
	"sync"
	"time"
)

// built is where `make assets` puts the styles of Bootstrap. Until then there is no such folder.
const built = "static/dist/"

// embedded contains the templates and static files of the program.
//
//go:embed templates static
var embedded embed.FS

// A view is what the pages are made of.
type view struct {
	files  map[string][]byte // the sources of the other fields, by path
	assets assets
	pages  map[string]func() (*template.Template, error) // see parseTemplates
	home   splitPage
	// errors render the pages of sameForAll. Each does so once, when it is first called, because
	// the first page must not wait for them.
	errors map[*statusError]func() ([]byte, error)
}

// view returns the present view. It is always the same, unless the configuration has Files.
func (s *Server) view() (*view, error) {
	if s.cfg.Files == nil {
		return s.builtIn, nil
	}
	return s.changing.view(s)
}

// loadView makes a view of files.
func (s *Server) loadView(files map[string][]byte) (*view, error) {
	v := &view{files: files, errors: make(map[*statusError]func() ([]byte, error))}
	var err error
	if v.assets, err = loadAssets(files); err != nil {
		return nil, err
	}
	if v.pages, err = s.parseTemplates(files, v.assets); err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	if v.home, err = v.splitHome(); err != nil {
		return nil, err
	}
	for _, e := range sameForAll {
		v.errors[e] = sync.OnceValues(func() ([]byte, error) { return v.renderError(e) })
	}
	return v, nil
}

// readFiles returns the content of each file in the folders templates and static, by path. A folder
// may be missing.
func readFiles(from fs.FS) (map[string][]byte, error) {
	files := make(map[string][]byte)
	for _, folder := range []string{"templates", "static"} {
		err := fs.WalkDir(from, folder, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			files[file], err = fs.ReadFile(from, file)
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return files, nil
}

// readChanges returns the files that take the place of the embedded ones. It leaves out the styles
// that a developer has built earlier, because they may be older than the embedded ones.
func readChanges(from fs.FS) (map[string][]byte, error) {
	files, err := readFiles(from)
	maps.DeleteFunc(files, func(file string, _ []byte) bool {
		return strings.HasPrefix(file, built)
	})
	return files, err
}

// A changingView follows the files that a developer changes.
type changingView struct {
	mu     sync.Mutex
	looked time.Time // when the files were last read
	last   *view
}

// view returns a view of files that were read at most 100 ms ago, so that many requests share one
// reading.
func (c *changingView) view(s *Server) (*view, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < 100*time.Millisecond {
		return c.last, nil
	}
	changed, err := readChanges(s.cfg.Files)
	if err != nil {
		return nil, err
	}
	files := maps.Clone(s.builtIn.files)
	maps.Copy(files, changed)
	if c.last == nil || !maps.EqualFunc(files, c.last.files, bytes.Equal) {
		v, err := s.loadView(files)
		if err != nil {
			return nil, err
		}
		c.last = v
	}
	c.looked = time.Now()
	return c.last, nil
}
