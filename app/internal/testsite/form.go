// Package testsite has what the tests of the site share: a valid form, a client that looks at each
// answer, and a function that waits.
package testsite

import (
	"net/url"

	"simpleapp/internal/food"
)

// textFields are the text fields of the form, each with a valid answer.
var textFields = []struct{ name, answer string }{
	{"first_name", "Ada"},
	{"last_name", "Lovelace"},
	{"favourite_food", "Pizza"},
}

// Form returns a new form in which every answer is valid, with a fresh token.
func Form() url.Values {
	form := url.Values{"token": {food.NewToken()}, "country": {"GB"}, "pledge": {"yes"}}
	for _, field := range textFields {
		form.Set(field.name, field.answer)
	}
	return form
}

// Submission returns what Form says, as a submission.
func Submission() food.Submission {
	form := Form()
	return food.Submission{
		Token:         form.Get("token"),
		FirstName:     form.Get("first_name"),
		LastName:      form.Get("last_name"),
		FavouriteFood: form.Get("favourite_food"),
		Country:       form.Get("country"),
		Pledge:        true,
	}
}
