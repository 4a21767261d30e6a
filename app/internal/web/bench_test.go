package web_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"simpleapp/internal/food"
	"simpleapp/internal/testsite"
)

// BenchmarkPages measures how long the handler takes to make each page, with SQLite files as the
// stores. The home page and the valid form include their write to the disk.
func BenchmarkPages(b *testing.B) {
	site := newSite(b)
	for _, page := range []struct {
		name, path string
		form       url.Values
		wantStatus int
	}{
		{"missing page", "/missing", nil, 404},
		{"home", "/", nil, 200},
		{"form", "/simpleform", nil, 200},
		{"submissions", "/submissions", nil, 200},
		{"results", "/results", nil, 200},
		{"invalid form", "/simpleform", url.Values{"first_name": {"Ada"}}, 422},
		{"valid form", "/simpleform", testsite.Form(), 303},
	} {
		b.Run(page.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				request := httptest.NewRequest("GET", page.path, nil)
				if page.form != nil {
					page.form.Set("token", food.NewToken())
					body := strings.NewReader(page.form.Encode())
					request = httptest.NewRequest("POST", page.path, body)
					request.Header.Set("Content-Type", testsite.FormType)
				}
				answer := httptest.NewRecorder()
				site.ServeHTTP(answer, request)
				if answer.Code != page.wantStatus {
					b.Fatalf("%s %s = %d, want %d",
						request.Method, page.path, answer.Code, page.wantStatus)
				}
			}
		})
	}
}
