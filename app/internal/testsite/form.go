// Package testsite contains what the tests of the site share: valid answers, databases of this
// version and of older ones, an HTTP client, checks of its answers, a function that waits, and
// functions that start the program and servers, interrupt servers and find free ports.
package testsite

import (
	"log/slog"
	"net/url"
	"time"

	"simpleapp/internal/food"
)

// Quiet is a logger that discards everything.
var Quiet = slog.New(slog.DiscardHandler)

// answers maps the name of a text field to a valid answer. The answer to any other text field is
// its label.
var answers = map[string]string{
	"first_name": "Ada", "last_name": "Lovelace", "favourite_food": "Pizza",
}

// Submission returns a valid submission with a new token and the current time.
func Submission() food.Submission {
	sub := food.Submission{Token: food.NewToken(), Country: "GB", Pledge: true,
		AddedAt: time.Now().UTC().Truncate(time.Millisecond)}
	for _, field := range food.TextFields {
		answer, known := answers[field.Name]
		if !known {
			answer = field.Label
		}
		field.Set(&sub, answer)
	}
	return sub
}

// Form returns a form with the answers of Submission and a new token, as a browser submits it.
func Form() url.Values {
	sub := Submission()
	form := url.Values{"token": {sub.Token}, "country": {sub.Country}, "pledge": {"yes"}}
	for _, field := range food.TextFields {
		form.Set(field.Name, field.Of(sub))
	}
	return form
}
