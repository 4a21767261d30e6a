// Package testsite has what the tests of the site share: valid answers, databases, a client that looks
// at each answer, and a function that waits.
package testsite

import (
	"log/slog"
	"net/url"
	"time"

	"simpleapp/internal/food"
)

// Quiet is a log that nobody reads.
var Quiet = slog.New(slog.DiscardHandler)

// answers are valid answers to text fields. The answer to a field that is not here is its label.
var answers = map[string]string{
	"first_name": "Ada", "last_name": "Lovelace", "favourite_food": "Pizza",
}

// Submission returns a valid submission, as of now, with a new token.
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

// Form returns what Submission says, as a browser submits it.
func Form() url.Values {
	sub := Submission()
	form := url.Values{"token": {sub.Token}, "country": {sub.Country}, "pledge": {"yes"}}
	for _, field := range food.TextFields {
		form.Set(field.Name, field.Of(sub))
	}
	return form
}
