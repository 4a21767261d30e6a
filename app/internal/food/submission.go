// Package food is the domain of the form: what a submission is, when it is valid, and how it is kept.
package food

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"simpleapp/internal/text"
)

// MaxLength is how many characters (Unicode code points, after NFC) a name or a food may have.
const MaxLength = 100

// A Submission is one visitor's answers.
type Submission struct {
	// Token marks the form that was filled in: 128 random bits as 32 lower-case hex digits.
	// At most one submission is ever stored for a token.
	Token         string
	FirstName     string
	LastName      string
	FavouriteFood string
	Country       string // ISO 3166-1 alpha-2
	Pledge        bool   // always true of a stored one
	AddedAt       time.Time
}

// NewToken returns a fresh token.
func NewToken() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// A TextField is a field of the form that visitors type one line into.
type TextField struct {
	Name    string // in the form, in the database and in exports
	Label   string // beside the field in the form
	Heading string // of its column in tables
	Hint    string // what to write, or ""

	// Autocomplete tells browsers which of the visitor's data belongs here, or is "":
	// https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#autofill
	Autocomplete string
	// Spellcheck is true of words, and false of names.
	Spellcheck bool

	of func(*Submission) *string
}

// Of returns the field's text in a submission.
func (f TextField) Of(s Submission) string { return *f.of(&s) }

// Set sets the field's text in a submission.
func (f TextField) Set(s *Submission, to string) { *f.of(s) = to }

// TextFields are the text fields, in the order of the form. The form, the pages, the SQL, exports and
// imports follow this list. A new field is a field of Submission, an entry here, and a migration.
var TextFields = []TextField{
	{Name: "first_name", Label: "First name", Heading: "First name", Autocomplete: "given-name",
		of: func(s *Submission) *string { return &s.FirstName }},
	{Name: "last_name", Label: "Last name", Heading: "Last name", Autocomplete: "family-name",
		of: func(s *Submission) *string { return &s.LastName }},
	{Name: "favourite_food", Label: "Favourite food", Heading: "Favourite", Hint: "e.g. Pizza",
		Spellcheck: true,
		of:         func(s *Submission) *string { return &s.FavouriteFood }},
}

// Normalized returns s with its text trimmed and in Unicode's Normalization Form C, so that what looks
// the same is the same. Broken UTF-8 is left as it is, for Validate to report.
func (s Submission) Normalized() Submission {
	for _, field := range TextFields {
		if answer := field.Of(s); utf8.ValidString(answer) {
			field.Set(&s, norm.NFC.String(strings.TrimSpace(answer)))
		}
	}
	return s
}

// SameAnswers reports whether s and other say the same, whenever and under whatever token.
func (s Submission) SameAnswers(other Submission) bool {
	other.Token, other.Pledge, other.AddedAt = s.Token, s.Pledge, s.AddedAt
	return s == other
}

// CountryName returns the English name of the submission's country.
func (s Submission) CountryName() string { return CountryName(s.Country) }

// A FieldError tells a visitor what to do about one field of the form.
type FieldError struct {
	Field   string // the field's name in the form
	Message string
}

// Validate returns what is wrong with a normalized submission, in the order of the form's fields;
// nothing if it may be stored.
func (s Submission) Validate() []FieldError {
	var errs []FieldError
	check := func(field, message string) {
		if message != "" {
			errs = append(errs, FieldError{field, message})
		}
	}
	for _, field := range TextFields {
		check(field.Name, textError(field.Label, field.Of(s)))
	}
	switch {
	case s.Country == "":
		check("country", "Select your country")
	case CountryName(s.Country) == "":
		check("country", "Select a country from the list")
	}
	if !s.Pledge {
		check("pledge", "Tick the box to make the pledge")
	}
	if !ValidToken(s.Token) {
		check("token", "Something went wrong with this form. Check your answers and submit it again")
	}
	return errs
}

func textError(label, answer string) string {
	switch {
	case !utf8.ValidString(answer):
		return label + " has characters that can’t be read. Type it again"
	case !strings.ContainsFunc(answer, text.Visible):
		return "Enter your " + strings.ToLower(label[:1]) + label[1:]
	case utf8.RuneCountInString(answer) > MaxLength:
		return fmt.Sprintf("%s must be %d characters or less", label, MaxLength)
	case strings.ContainsFunc(answer, control):
		return label + " must be on one line, without control characters"
	}
	return ""
}

func control(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// ValidToken reports whether token is one that NewToken could have returned.
func ValidToken(token string) bool {
	if len(token) != 32 {
		return false
	}
	for _, c := range []byte(token) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
