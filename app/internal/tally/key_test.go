package tally

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"simpleapp/internal/text"
)

// Longest is how many characters a food may have. TestLongest compares it with food.MaxLength,
// because this package can't import food.
const Longest = 100

func TestFoodKey(t *testing.T) {
	for _, test := range []struct{ name, a, b string }{
		{"case", "PIZZA", "pizza"},
		{"outer spaces", " pizza\u3000", "pizza"},
		{"inner spaces", "Fish  and\u00a0 \u3000chips", "fish and chips"},
		{"Unicode form", "cre\u0300me", "cr\u00e8me"},
		{"case and form", "CRE\u0300ME", "cr\u00e8me"},
		{"a letter that has no capital", "Spießbraten", "SPIESSBRATEN"},
		{"Cherokee", "ᏣᎳᎩ", "ꮳꮃꭹ"},
		{"final sigma", "ΦΑΓΗΤΌΣ", "φαγητός"},

		{"a zero-width space", "Pizza\u200b", "Pizza"},
		{"a byte order mark and a word joiner", "\ufeffPiz\u2060za", "Pizza"},
		{"a soft hyphen", "Piz\u00adza", "Pizza"},
		{"bidirectional controls", "\u202aPizza\u202c\u200f\u2066\u2069", "Pizza"},
		{"a variation selector", "❤\ufe0f", "❤"},
		{"a variation selector for ideographs", "葛\U000E0100", "葛"},
		{"a Mongolian variation selector", "ᠠ\u180b", "ᠠ"},
		{"a grapheme joiner", "Piz\u034fza", "Pizza"},
		{"tags", "🍕\U000E0067\U000E007F", "🍕"},
		{"a joiner between letters", "نان\u200cبربری", "نانبربری"},
		{"a joiner between emoji", "🍕\u200d🍕", "🍕🍕"},
		{"spaces around an invisible character", "Fish \u200b and chips", "Fish and chips"},
		{"blanks", "Pizza\u2800\u3164\u115f\uffa0", "Pizza"},
		{"a blank between words", "Fish\u2800and\u3164chips", "Fish and chips"},

		{"wide letters", "ＰＩＺＺＡ", "pizza"},
		{"narrow letters", "ﾋﾟｻﾞ", "ピザ"},
		{"ligatures", "ﬁsh", "fish"},
		{"an ellipsis", "Pizza…", "pizza..."},
		{"quotation marks", "Shepherd’s “pie”", `shepherd's "pie"`},
		{"hyphens", "stir‑fry, stir‐fry, stir–fry", "stir-fry, stir-fry, stir-fry"},
		{"fractions", "½ chicken", "1/2 chicken"},
	} {
		if a, b := foodKey(test.a), foodKey(test.b); a != b {
			t.Errorf("%s: keys %q and %q, want them the same", test.name, a, b)
		}
	}
	for _, test := range []struct{ a, b string }{
		{"Pizza", "Piazza"}, {"a b", "ab"}, {"cote", "côté"}, {"か", "が"}, {"corn", "com"},
		{"🍕", "🍔"}, {"\u0600١", "١"}, {"🇸🇬", "🇬🇸"}, {"1️⃣", "2️⃣"},
		{"पिज्जा", "पिजा"}, {"Рис", "Puc"},
	} {
		if key := foodKey(test.a); key == foodKey(test.b) {
			t.Errorf("%q and %q share the key %q", test.a, test.b, key)
		}
	}
}

// A food of one character, repeated, has a key that is not too long for the table, and not empty if
// the character is visible. The key of a key is the key itself.
func TestFoodKeyOfEveryCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z,
			unicode.Cf) {
			continue
		}
		key := foodKey(string(r))
		if key == "" && text.Visible(r) {
			t.Errorf("the key of %+q is empty", r)
		}
		if again := foodKey(key); again != key {
			t.Errorf("the key of %+q is %+q, whose own key is %+q, want it unchanged",
				r, key, again)
		}
		if utf8.RuneCountInString(key) > 1 {
			n := utf8.RuneCountInString(foodKey(strings.Repeat(string(r), Longest)))
			if n > maxKey {
				t.Errorf("the key of %d %+q has %d characters, want %d at most",
					Longest, r, n, maxKey)
			}
		}
	}
}

// In the table tallies, a scope may have 310 characters and a name 300.
func TestLongestFoodKeyFits(t *testing.T) {
	if n := len(foodScope) + maxKey; n > 310 || maxKey > 300 {
		t.Errorf("a scope has up to %d characters and a name %d, want 310 and 300 at most",
			n, maxKey)
	}
}
