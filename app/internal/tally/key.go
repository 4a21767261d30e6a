package tally

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"simpleapp/internal/text"
)

// maxKey is how many characters the key of a food may have, because of the columns of the table
// tallies.
const maxKey = 300

// foodKey returns the name under which a food is counted. Spellings have the same key if they
// differ only in case, in the kind or number of the spaces between words, in invisible characters
// or in similar punctuation. The key is Unicode's NFKC_Casefold, the standard form for comparing
// text that people type. In addition, spaces, quotation marks and hyphens that look alike become
// equal.
//
// Joiners are removed, because they are invisible and people often leave them out between letters.
// This has a price: an emoji with a joiner counts as its parts, so that a cook equals a woman and a
// frying pan. Letters of different scripts stay different, even if they look alike.
func foodKey(spelling string) string {
	folded := strings.Map(func(r rune) rune {
		switch {
		case text.Blank(r):
			return ' '
		case unicode.Is(unicode.Prepended_Concatenation_Mark, r): // visible format characters
			return r
		case unicode.In(r, unicode.Cf, unicode.Variation_Selector,
			unicode.Other_Default_Ignorable_Code_Point):
			return -1
		case unicode.Is(unicode.Cherokee, r): // cases.Fold swaps its two cases
			return unicode.ToLower(r)
		}
		return r
	}, spelling)
	key := foldCase(norm.NFKC, folded)
	if utf8.RuneCountInString(key) > maxKey { // NFKC makes 18 characters of U+FDFA
		key = foldCase(norm.NFC, folded)
	}
	return key
}

// alike replaces punctuation by characters that look alike. Keyboards and word processors often
// insert one in place of the other.
var alike = strings.NewReplacer("‘", "'", "’", "'", "ʼ", "'", "“", `"`, "”", `"`,
	"‐", "-", "–", "-", "−", "-", "⁄", "/")

func foldCase(form norm.Form, s string) string {
	s = form.String(cases.Fold().String(form.String(s)))
	return strings.Join(strings.Fields(alike.Replace(s)), " ")
}
