package tally

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"simpleapp/internal/text"
)

// maxKey is how many characters a food's key may have: the room for it in the table tallies.
const maxKey = 300

// foodKey returns the name under which a food is counted. It is the same for all spellings that
// look the same, whatever their case, their spaces and their invisible characters. It is Unicode's
// NFKC_Casefold, the standard form for comparing text that people type, with the spaces, quotation
// marks and hyphens that look alike made equal, too.
//
// Joiners are among the invisible characters. Between letters people leave them out as they like.
// Between emoji they are part of the picture: a cook counts as a woman and a frying pan, which is
// the price. Letters of different scripts stay different, even if they look the same.
func foodKey(spelling string) string {
	folded := strings.Map(func(r rune) rune {
		switch {
		case text.Blank(r):
			return ' '
		case unicode.Is(unicode.Prepended_Concatenation_Mark, r): // the format characters that are seen
			return r
		case unicode.In(r, unicode.Cf, unicode.Variation_Selector,
			unicode.Other_Default_Ignorable_Code_Point):
			return -1
		case unicode.Is(unicode.Cherokee, r): // cases.Fold only exchanges its two cases
			return unicode.ToLower(r)
		}
		return r
	}, spelling)
	key := foldCase(norm.NFKC, folded)
	if utf8.RuneCountInString(key) > maxKey { // U+FDFA, for one, becomes 18 characters
		key = foldCase(norm.NFC, folded)
	}
	return key
}

// alike maps punctuation to what it looks like. Keyboards and word processors put in one for the
// other.
var alike = strings.NewReplacer("‘", "'", "’", "'", "ʼ", "'", "“", `"`, "”", `"`,
	"‐", "-", "–", "-", "−", "-", "⁄", "/")

func foldCase(form norm.Form, s string) string {
	s = form.String(cases.Fold().String(form.String(s)))
	return strings.Join(strings.Fields(alike.Replace(s)), " ")
}
