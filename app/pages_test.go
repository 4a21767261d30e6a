package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"
)

func TestPages(t *testing.T) {
	titlePattern := regexp.MustCompile("<title>(.*)</title>")
	for _, setup := range setups {
		t.Run(setup.name, func(t *testing.T) {
			p := startReady(t, setup.environ(t))
			paths := make(map[string]string) // by title
			for _, page := range []struct {
				path       string
				wantStatus int
				wantBody   []string
			}{
				{"/", 200, []string{"Hello! This is SimpleApp", "Learn more", "Docker", "Swarm",
					"Compose &amp; Stack", "docs.docker.com", "version dev"}},
				{"/simpleform", 200, []string{`name="first_name"`, `name="last_name"`,
					`name="favourite_food"`, "e.g. Pizza", `name="country"`, ">Singapore</option>",
					`name="pledge"`, `name="token"`, "Submit"}},
				{"/simpleform/success", 200, nil},
				{"/submissions", 200, []string{"MySQL Data"}},
				{"/results", 200, nil},
				{"/nowhere", 404, []string{"Page not found", "SimpleApp"}},
				{"/static/", 404, nil},
				{"/static/nothing.css", 404, nil},
				{"/static/site.css/", 404, nil},
			} {
				a := get(t, p.url+page.path)
				wantStatus(t, a, page.wantStatus)
				wantBody(t, a, page.wantBody...)
				wantBody(t, a, `<html lang="en">`, "</html>")
				title := titlePattern.FindStringSubmatch(a.Body)[1]
				if other, taken := paths[title]; taken && page.wantStatus == http.StatusOK {
					t.Errorf("%s and %s share the title %q", page.path, other, title)
				}
				paths[title] = page.path
			}
		})
	}
}

func TestOnlyHomePagesCountVisits(t *testing.T) {
	for _, setup := range setups {
		t.Run(setup.name, func(t *testing.T) {
			p := startReady(t, setup.environ(t))
			first := p.visit()
			if second := p.visit(); second != first+1 {
				t.Errorf("second visit = %d, want %d", second, first+1)
			}
			head := send(t, request(t, "HEAD", p.url+"/", nil))
			wantStatus(t, head, 200)
			get(t, p.url+"/simpleform")
			get(t, p.url+"/submissions")
			get(t, p.url+"/results")
			a := get(t, p.url+"/ping")
			var ping struct{ Message, Instance, Version string }
			if err := json.Unmarshal([]byte(a.Body), &ping); err != nil {
				t.Errorf("GET /ping: %v", err)
			}
			if got := a.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("GET /ping: Content-Type = %q, want application/json", got)
			}
			if ping.Message == "" || ping.Instance == "" || ping.Version != "dev" {
				t.Errorf("GET /ping = %s, want a message, an instance and the version dev", a.Body)
			}
			if n := p.visits(); n != first+1 {
				t.Errorf("%d visits, want %d", n, first+1)
			}
		})
	}
}
