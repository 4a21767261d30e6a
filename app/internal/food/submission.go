// Package food defines the submission of the form, validates it, and stores it in a database.
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

// MaxLength is how many characters a text field may have: Unicode code points after normalization.
const MaxLength = 100

// A Submission is one visitor's answers.
type Submission struct {
	// Token identifies the form that the visitor filled in: 128 random bits as 32 lower-case hex
	// digits. At most one submission is stored for a token.
	Token         string
	FirstName     string
	LastName      string
	FavouriteFood string
	Country       string // ISO 3166-1 alpha-2
	Pledge        bool   // true in every stored submission
	AddedAt       time.Time
}

// NewToken returns a new random token.
func NewToken() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// A TextField is a field of the form that takes one line of text.
type TextField struct {
	Name    string // of the field in the form, the database and exports
	Label   string // of the field in the form
	Heading string // of the column in tables
	Hint    string // an example of an answer, or ""

	// Autocomplete is the value of the HTML attribute autocomplete, or "":
	// https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#autofill
	Autocomplete string
	// Spellcheck is false for names, because a browser would mark them as misspelt.
	Spellcheck bool

	of func(*Submission) *string
}

// Of returns the field's text in a submission.
func (f TextField) Of(s Submission) string { return *f.of(&s) }

// Set sets the field's text in a submission.
func (f TextField) Set(s *Submission, to string) { *f.of(s) = to }

// TextFields lists the text fields in the order of the form. The form, the pages, the SQL, exports
// and imports are made from this list. To add a field, add it to Submission and to this list, and
// add a migration.
var TextFields = []TextField{
	{Name: "first_name", Label: "First name", Heading: "First name", Autocomplete: "given-name",
		of: func(s *Submission) *string { return &s.FirstName }},
	{Name: "last_name", Label: "Last name", Heading: "Last name", Autocomplete: "family-name",
		of: func(s *Submission) *string { return &s.LastName }},
	{Name: "favourite_food", Label: "Favourite food", Heading: "Favourite", Hint: "e.g. Pizza",
		Spellcheck: true,
		of:         func(s *Submission) *string { return &s.FavouriteFood }},
}

// Normalized returns s with its texts trimmed and in Unicode Normalization Form C, so that two ways
// to encode the same character become equal. It does not change a text that is not valid UTF-8:
// Validate reports it.
func (s Submission) Normalized() Submission {
	for _, field := range TextFields {
		answer := field.Of(s)
		if utf8.ValidString(answer) {
			field.Set(&s, norm.NFC.String(strings.TrimSpace(answer)))
		}
	}
	return s
}

// SameAnswers reports whether s and other are equal apart from their tokens, times and pledges.
func (s Submission) SameAnswers(other Submission) bool {
	other.Token, other.Pledge, other.AddedAt = s.Token, s.Pledge, s.AddedAt
	return s == other
}

// CountryName returns the English name of the submission's country, or its code if it has no name.
func (s Submission) CountryName() string { return CountryNameOrCode(s.Country) }

// A FieldError is a message to the visitor about one field of the form.
type FieldError struct {
	Field   string // the field's name in the form
	Message string
}

// Validate returns the errors of a normalized submission in the order of the form's fields. It
// returns nil if the submission is valid.
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
		check("token", "Something went wrong with this form. "+
			"Check your answers and submit it again")
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

// ValidToken reports whether token has the form of a token: 32 lower-case hex digits.
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
