// Package food is the domain of the form: what a submission is, when it is valid, and how it is kept.
package food

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxLength is how many characters (Unicode code points, after NFC) a name or a food may have.
const MaxLength = 100

// A Submission is one visitor's answers.
type Submission struct {
	// Token marks the form that was filled in: 128 random bits as 32 lower-case hex digits.
	// At most one submission is ever stored for a token.
	Token                              string
	FirstName, LastName, FavouriteFood string
	Country                            string // ISO 3166-1 alpha-2
	Pledge                             bool   // always true of a stored one
	AddedAt                            time.Time
}

// NewToken returns a fresh token.
func NewToken() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Normalized returns s with its text trimmed and in Unicode's Normalization Form C, so that what looks
// the same is the same. Broken UTF-8 is left as it is, for Validate to report.
func (s Submission) Normalized() Submission {
	for _, text := range []*string{&s.FirstName, &s.LastName, &s.FavouriteFood} {
		if utf8.ValidString(*text) {
			*text = norm.NFC.String(strings.TrimSpace(*text))
		}
	}
	return s
}

// SameAnswers reports whether s and other say the same, whenever and under whatever token.
func (s Submission) SameAnswers(other Submission) bool {
	return s.FirstName == other.FirstName && s.LastName == other.LastName &&
		s.FavouriteFood == other.FavouriteFood && s.Country == other.Country
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
	check("first_name", textError("first name", s.FirstName))
	check("last_name", textError("last name", s.LastName))
	check("favourite_food", textError("favourite food", s.FavouriteFood))
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
		check("token", "This form had come apart on its way. It has been put together again: check your answers and submit them")
	}
	return errs
}

func textError(name, text string) string {
	title := strings.ToUpper(name[:1]) + name[1:]
	switch {
	case !utf8.ValidString(text):
		return title + " has characters that can’t be read. Type it again"
	case !strings.ContainsFunc(text, visible):
		return "Enter your " + name
	case utf8.RuneCountInString(text) > MaxLength:
		return title + " must be 100 characters or less"
	case strings.ContainsFunc(text, control):
		return title + " must be on one line, without control characters"
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
