// Package text knows which characters show nothing.
package text

import "unicode"

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

// Visible reports whether r shows anything by itself.
func Visible(r rune) bool { return !unicode.In(r, unseen...) && !Blank(r) }

// Blank reports whether r is a letter or a symbol to Unicode, but is drawn as an empty place.
func Blank(r rune) bool {
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
