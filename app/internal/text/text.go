// Package text tells visible characters from invisible ones.
package text

import "unicode"

// unseen contains the characters that are invisible by themselves:
//   - white space, and control and format characters
//   - marks, because they only change the character before them
//   - private characters, because they have no agreed shape
//   - Unicode's Default_Ignorable_Code_Points: format characters, variation selectors, which are
//     marks, and Other_Default_Ignorable_Code_Points
//   - noncharacters, which are never assigned
//
// Other unassigned characters are not in unseen, unless Unicode has declared them ignorable. A
// newer system may show them as a letter or an emoji, such as U+1FADC, a root vegetable.
var unseen = []*unicode.RangeTable{
	unicode.Z, unicode.Cc, unicode.Cf, unicode.Co, unicode.M,
	unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point,
}

// Visible reports whether r is visible by itself.
func Visible(r rune) bool { return !unicode.In(r, unseen...) && !Blank(r) }

// Blank reports whether r is a letter or a symbol in Unicode, but is drawn as an empty space.
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
