package web

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// An asset is a static file.
type asset struct {
	url         string // /static/site.0123456789ab.css
	contentType string
	plain       []byte
	// gzip returns the compressed content of plain, or nil if compression does not make it smaller.
	// It compresses once, when it is first called. To compress all files at the start would take a
	// third of the time until the first page.
	gzip func() []byte
}

// assets are the static files by name, such as site.css.
type assets map[string]asset

// textTypes has the types that http.DetectContentType can't tell, by extension. The package mime
// would read the tables of the machine, where .js may be text/plain, and then no browser runs it.
var textTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// loadAssets returns the files in the folder static. Two of them must not have the same name.
func loadAssets(files map[string][]byte) (assets, error) {
	all, paths := make(assets), make(map[string]string)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasPrefix(file, "static/") {
			continue
		}
		content, name := files[file], path.Base(file)
		if other := paths[name]; other != "" {
			return nil, fmt.Errorf("%s and %s have the same name: rename or remove one of them",
				other, file)
		}
		paths[name] = file
		hash := sha256.Sum256(content)
		base, ext := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name)
		all[name] = asset{
			url:         "/static/" + base + "." + hex.EncodeToString(hash[:6]) + ext,
			contentType: cmp.Or(textTypes[ext], http.DetectContentType(content)),
			plain:       content,
			gzip:        sync.OnceValue(func() []byte { return compress(content) }),
		}
	}
	return all, nil
}

func compress(content []byte) []byte {
	var compressed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	z.Write(content)
	z.Close()
	if compressed.Len() >= len(content) {
		return nil
	}
	return compressed.Bytes()
}

// url returns the address of a static file, which contains a hash of its content. It returns "" if
// the file is not built.
func (a assets) url(name string) string { return a[name].url }

// getStatic sends a static file. Its address changes with its content, so clients may cache it for
// a year. While two versions of the program run side by side, a client may get a page from one and
// request its styles from the other. A request with another hash is answered with the present file,
// which clients must not keep under that address without asking again.
func (s *Server) getStatic(w http.ResponseWriter, r *http.Request) error {
	file := r.PathValue("file")
	ext := path.Ext(file)
	base := strings.TrimSuffix(file, ext)
	hash := path.Ext(base)
	if hash == "" {
		return errNotFound
	}
	v, err := s.view()
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(base, hash) + ext
	a, ok := v.assets[name]
	if !ok {
		return errNotFound
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	if r.URL.Path == a.url {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	h.Set("Vary", "Accept-Encoding")
	content := a.plain
	if acceptsGzip(r) {
		if compressed := a.gzip(); compressed != nil {
			h.Set("Content-Encoding", "gzip")
			content = compressed
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	w.Write(content)
	return nil
}

// acceptsGzip reports whether the client of a request accepts gzip (RFC 9110, section 12.5.3). It
// does not accept what has the weight 0, and * stands for the codings that are not in the list.
func acceptsGzip(r *http.Request) bool {
	weights := make(map[string]float64)
	list := strings.Join(r.Header.Values("Accept-Encoding"), ",")
	for item := range strings.SplitSeq(strings.ToLower(list), ",") {
		coding, q, hasWeight := strings.Cut(item, ";")
		weight := 1.0
		if hasWeight { // one that is no number counts as 0
			weight, _ = strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(q), "q="), 64)
		}
		weights[strings.TrimSpace(coding)] = weight
	}
	if weight, listed := weights["gzip"]; listed {
		return weight > 0
	}
	return weights["*"] > 0
}
