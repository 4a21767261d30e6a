//go:build servers

package web_test

import (
	"testing"

	"simpleapp/internal/testsite"
)

// This test has the tag servers, because `make test` builds the styles of Bootstrap for it. A fresh
// clone does not have them.
func TestHomePageHasStylesAndScript(t *testing.T) {
	home := testsite.Get(t, serve(t)+"/")
	testsite.WantStatus(t, home, 200)
	t.Log("`make assets` builds the styles of Bootstrap")
	testsite.WantBody(t, home, `<link rel="stylesheet" href="/static/bootstrap.`,
		`<link rel="stylesheet" href="/static/site.`, `<script src="/static/site.`)
}
