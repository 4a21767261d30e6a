package main

import (
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/testsite"
)

func TestSubmissionIsStoredOnceAndShown(t *testing.T) {
	pizzas := strings.Repeat("🍕", 100)
	for _, setup := range setups {
		t.Run(setup.name, func(t *testing.T) {
			p := startReady(t, with(setup.environ(t), "TZ", "Asia/Singapore"))
			form := validForm()
			form.Set("first_name", "  O'Brien <script> ")
			form.Set("last_name", "寿司"+food.NewToken())
			form.Set("favourite_food", pizzas)
			begin := time.Now()
			for range 2 { // a double click
				location := wantStored(t, p.url, form).Header.Get("Location")
				if !strings.HasPrefix(location, "/simpleform/success") {
					t.Errorf("POST /simpleform: Location = %s, want /simpleform/success", location)
				}
				wantStatus(t, get(t, p.url+location), 200)
			}
			a := get(t, p.url+"/submissions")
			hour := func(at time.Time) string {
				return at.In(time.FixedZone("SGT", 8*3600)).Format("January 2, 2006 15:")
			}
			wantBody(t, a, "O&#39;Brien &lt;script&gt;<", pizzas, "United Kingdom",
				" UTC&#43;08:00<")
			if now := time.Now(); !strings.Contains(a.Body, hour(begin)) &&
				!strings.Contains(a.Body, hour(now)) {
				t.Errorf("GET /submissions does not show %s:\n%s", hour(begin), a.Body)
			}
			if n := strings.Count(a.Body, form.Get("last_name")); n != 1 {
				t.Errorf("GET /submissions shows the submission %d times, want once", n)
			}

			form.Set("favourite_food", "Soup") // with the same token
			a, err := testsite.Submit(testsite.Client, p.url, form)
			if err != nil {
				t.Fatal(err)
			}
			wantStatus(t, a, http.StatusConflict)
			wantBody(t, a, pizzas, html.EscapeString(strings.TrimSpace(form.Get("first_name"))))
		})
	}
}
