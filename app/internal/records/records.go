// Package records reads and writes submissions as files: JSON and CSV, and the SQL of old backups.
//
// A record in a file is a list of named values: one for each of food.TextFields, and the others
// that values returns. CSV is for spreadsheets. JSON also has the token, so that an import can
// recognise a submission that is stored already.
package records

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"simpleapp/internal/food"
)

// A value is a named value of a record.
type value struct{ name, text string }

// values returns the values of a record in the order of the CSV's columns. The token is not among
// them.
func values(r food.Record) []value {
	values := []value{{"id", fmt.Sprint(r.ID)}}
	for _, field := range food.TextFields {
		values = append(values, value{field.Name, field.Of(r.Submission)})
	}
	return append(values,
		value{"country", r.Country},
		value{"added_at", r.AddedAt.Format(time.RFC3339Nano)},
		value{"reference", r.Reference()})
}

// ErrIncomplete is the error of a Reader if it can tell that the end of the file is missing.
var ErrIncomplete = errors.New("the file is incomplete")

var countryForm = regexp.MustCompile(`^[A-Z]{2}$`)

// errNoField is the error of set for a name that no value has.
var errNoField = errors.New("no field has this name")

// set sets a named value in a submission. It ignores id and tallied. It checks reference, but does
// not set it.
func set(s *food.Submission, v value) (err error) {
	switch v.name {
	case "id": // the table gives another one
	case "tallied": // in old backups; the import counts anew
	case "reference": // the token determines it
		if !food.ValidReference(v.text) { // a CSV that is cut off ends in this column
			return fmt.Errorf("%q is not a reference: %w", v.text, ErrIncomplete)
		}
	case "token":
		s.Token = v.text
	case "country":
		s.Country = v.text
	case "added_at", "created_at": // created_at: in old backups
		s.AddedAt, err = parseTime(v.text)
		if err != nil {
			return fmt.Errorf("%q is not a time such as 2026-11-25T17:36:07Z", v.text)
		}
	default:
		field, found := textField(v.name)
		if !found {
			return errNoField
		}
		field.Set(s, v.text)
	}
	return nil
}

// textField returns the text field that has a name.
func textField(name string) (field food.TextField, found bool) {
	i := slices.IndexFunc(food.TextFields, func(f food.TextField) bool { return f.Name == name })
	if i < 0 {
		return field, false
	}
	return food.TextFields[i], true
}

// submission makes a submission from named values. It accepts every value that a version of this
// program has stored. It does not apply all rules of the form, because a record may be older than a
// field or a rule. Missing text fields and a missing token are empty.
func submission(values []value) (s food.Submission, err error) {
	s.Pledge = true
	for _, v := range values {
		if err := set(&s, v); err != nil {
			return s, fmt.Errorf("%s: %w", v.name, err)
		}
	}
	s = s.Normalized()
	for _, field := range food.TextFields {
		text := field.Of(s)
		if !utf8.ValidString(text) {
			return s, fmt.Errorf("%s: %q is not UTF-8", field.Name, text)
		}
		if utf8.RuneCountInString(text) > food.MaxLength {
			return s, fmt.Errorf("%s has more than %d characters", field.Name, food.MaxLength)
		}
	}
	if !countryForm.MatchString(s.Country) {
		return s, fmt.Errorf("country: %q is not a code of two capital letters such as GB",
			s.Country)
	}
	if s.Token != "" && !food.ValidToken(s.Token) {
		return s, fmt.Errorf("token: %q is not 32 lower-case hex digits", s.Token)
	}
	return s, nil
}

// parseTime parses the times of JSON and CSV, and the times of old backups, which are in UTC.
func parseTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil && strings.Contains(text, " ") {
		at, err = time.Parse("2006-01-02 15:04:05.999", text)
	}
	return at.UTC().Truncate(time.Millisecond), err
}
