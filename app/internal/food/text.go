package food

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// unseen lists the characters that show nothing by themselves: white space, control and format
// characters, and Unicode's Default_Ignorable_Code_Points, which are format characters, variation
// selectors, which are marks, and Other_Default_Ignorable_Code_Points. Marks are here because they
// only change the character before them. Private characters are here because they have no agreed
// shape. Unassigned characters are not: newer systems may show a letter or an emoji (U+1FADC, a
// root vegetable).
var unseen = []*unicode.RangeTable{
	unicode.Z, unicode.Cc, unicode.Cf, unicode.Co, unicode.M,
	unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point,
}

// visible reports whether r shows anything by itself.
func visible(r rune) bool { return !unicode.In(r, unseen...) && !blank(r) }

// blank reports whether r is a letter or a symbol to Unicode, but is drawn as an empty place.
func blank(r rune) bool {
	switch r {
	case '\u2800', // Braille pattern blank
		'\u3164', '\uFFA0', // Hangul fillers
		'\uFFFC',                   // object replacement character
		'\U00013441', '\U00013442', // Egyptian hieroglyph blanks
		'\U0001D159': // musical symbol null notehead
		return true
	}
	return false
}

// maxKey is how many characters a food's key may have: the room for it in the table tallies.
const maxKey = 3 * MaxLength

// foodKey returns the name under which a food is counted. It is the same for all spellings that
// look the same, whatever their case, their spaces and their invisible characters. It is Unicode's
// NFKC_Casefold, the standard form for comparing text that people type, with the spaces, quotation
// marks and hyphens that look alike made equal, too.
//
// Joiners are among the invisible characters. Between letters people leave them out as they like.
// Between emoji they are part of the picture: a cook counts as a woman and a frying pan, which is
// the price. Letters of different scripts stay different, even if they look the same.
func foodKey(spelling string) string {
	text := strings.Map(func(r rune) rune {
		switch {
		case blank(r):
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
	key := fold(norm.NFKC, text)
	if utf8.RuneCountInString(key) > maxKey { // U+FDFA, for one, becomes 18 characters
		key = fold(norm.NFC, text)
	}
	return key
}

// alike maps punctuation to what it looks like. Keyboards and word processors put in one for the
// other.
var alike = strings.NewReplacer("‘", "'", "’", "'", "ʼ", "'", "“", `"`, "”", `"`,
	"‐", "-", "–", "-", "−", "-", "⁄", "/")

func fold(form norm.Form, text string) string {
	text = form.String(cases.Fold().String(form.String(text)))
	return strings.Join(strings.Fields(alike.Replace(text)), " ")
}
