package food

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFoodKey(t *testing.T) {
	for _, test := range []struct{ name, a, b string }{
		{"case", "PIZZA", "pizza"},
		{"outer spaces", " pizza\u3000", "pizza"},
		{"Unicode form", "cre\u0300me", "cr\u00e8me"},
		{"case and form", "CRE\u0300ME", "cr\u00e8me"},
		{"a letter that has no capital", "Spießbraten", "SPIESSBRATEN"},
		{"final sigma", "ΦΑΓΗΤΌΣ", "φαγητός"},
	} {
		if a, b := foodKey(test.a), foodKey(test.b); a != b {
			t.Errorf("%s: keys %q and %q, want them the same", test.name, a, b)
		}
	}
	for _, test := range []struct{ a, b string }{{"Pizza", "Piazza"}, {"ﷺ", "صلى الله عليه وسلم"}, {"a b", "ab"}, {"cote", "côté"}} {
		if key := foodKey(test.a); key == foodKey(test.b) {
			t.Errorf("%q and %q share the key %q", test.a, test.b, key)
		}
	}
}

// The tallies have room for a scope of 310 characters and for a name of 300: three for each of a food's.
func TestTheLongestFoodKeyFits(t *testing.T) {
	longest := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if utf8.ValidRune(r) {
			longest = max(longest, utf8.RuneCountInString(foodKey(string(r))))
		}
	}
	if longest != 3 {
		t.Errorf("a character becomes up to %d in a key, want 3", longest)
	}
	if n := len([]rune(foodScope)) + longest*MaxLength; n > 310 {
		t.Errorf("a scope may have %d characters", n)
	}
}
