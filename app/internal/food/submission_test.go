package food_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"simpleapp/internal/food"
	"simpleapp/internal/testsite"
)

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*food.Submission)
		want   string // "" if valid
	}{
		{"nothing changed", func(*food.Submission) {}, ""},
		{"one letter", func(s *food.Submission) { s.FirstName = "O" }, ""},
		{"an apostrophe", func(s *food.Submission) { s.LastName = "O'Brien" }, ""},
		{"Japanese", func(s *food.Submission) { s.FavouriteFood = "寿司" }, ""},
		{"right to left", func(s *food.Submission) { s.FirstName = "مريم" }, ""},
		{"a joined emoji", func(s *food.Submission) { s.FavouriteFood = "👩‍🍳" }, ""},
		{"100 emoji",
			func(s *food.Submission) { s.FavouriteFood = strings.Repeat("🍕", 100) }, ""},
		{"100 characters in spaces",
			func(s *food.Submission) { s.FirstName = "  " + strings.Repeat("x", 100) + "\t" }, ""},
		{"200 code points that compose to 100",
			func(s *food.Submission) { s.FirstName = strings.Repeat("e\u0301", 100) }, ""},
		{"markup", func(s *food.Submission) { s.FirstName = "<script>alert(1)</script>" }, ""},

		{"no first name",
			func(s *food.Submission) { s.FirstName = "" },
			"first_name: Enter your first name"},
		{"spaces",
			func(s *food.Submission) { s.LastName = " \u00a0\u3000" },
			"last_name: Enter your last name"},
		{"zero-width characters",
			func(s *food.Submission) { s.LastName = "\u200b\u200d" },
			"last_name: Enter your last name"},
		{"no food",
			func(s *food.Submission) { s.FavouriteFood = "" },
			"favourite_food: Enter your favourite food"},
		{"101 characters",
			func(s *food.Submission) { s.FirstName = strings.Repeat("é", 101) },
			"first_name: First name must be 100 characters or less"},
		{"101 emoji",
			func(s *food.Submission) { s.FavouriteFood = strings.Repeat("🍕", 101) },
			"favourite_food: Favourite food must be 100 characters or less"},
		{"a line break",
			func(s *food.Submission) { s.FirstName = "A\nB" },
			"first_name: First name must be on one line, without control characters"},
		{"a NUL",
			func(s *food.Submission) { s.LastName = "A\x00B" },
			"last_name: Last name must be on one line, without control characters"},
		{"a line separator",
			func(s *food.Submission) { s.LastName = "A\u2028B" },
			"last_name: Last name must be on one line, without control characters"},
		{"broken UTF-8",
			func(s *food.Submission) { s.LastName = "A\xff" },
			"last_name: Last name has characters that can’t be read. Type it again"},
		{"no country", func(s *food.Submission) { s.Country = "" }, "country: Select your country"},
		{"an unknown country",
			func(s *food.Submission) { s.Country = "XX" },
			"country: Select a country from the list"},
		{"a country in lower case",
			func(s *food.Submission) { s.Country = "gb" },
			"country: Select a country from the list"},
		{"no pledge",
			func(s *food.Submission) { s.Pledge = false },
			"pledge: Tick the box to make the pledge"},
		{"no token", func(s *food.Submission) { s.Token = "" }, "token: "},
		{"a token in upper case",
			func(s *food.Submission) { s.Token = strings.Repeat("A", 32) },
			"token: "},
		{"a short token", func(s *food.Submission) { s.Token = s.Token[1:] }, "token: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			sub := testsite.Submission()
			test.change(&sub)
			errs := sub.Normalized().Validate()
			switch {
			case test.want == "" && len(errs) == 0:
			case test.want != "" && len(errs) == 1 &&
				strings.HasPrefix(errs[0].Field+": "+errs[0].Message, test.want):
			default:
				t.Errorf("Validate = %v, want %q", errs, test.want)
			}
		})
	}
}

func TestValidateReportsEveryFieldInTheOrderOfTheForm(t *testing.T) {
	var fields, want []string
	for _, field := range food.TextFields {
		want = append(want, field.Name)
	}
	want = append(want, "country", "pledge", "token")
	for _, e := range (food.Submission{}).Validate() {
		fields = append(fields, e.Field)
	}
	if !slices.Equal(fields, want) {
		t.Errorf("fields = %s, want %s", fields, want)
	}
}

func TestNewTokensAreValidAndDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		token := food.NewToken()
		if !food.ValidToken(token) || seen[token] {
			t.Fatalf("token %q: valid = %t, seen before = %t, want a valid new one",
				token, food.ValidToken(token), seen[token])
		}
		seen[token] = true
	}
}

func TestCountries(t *testing.T) {
	countries := food.Countries()
	// https://www.iso.org/iso-3166-country-codes.html has 249 officially assigned codes.
	if len(countries) != 249 {
		t.Errorf("%d countries, want 249", len(countries))
	}
	first, last := countries[0].Name, countries[248].Name
	if first != "Afghanistan" || last != "Zimbabwe" {
		t.Errorf("from %s to %s, want Afghanistan to Zimbabwe", first, last)
	}
	for code, want := range map[string]string{
		"SG": "Singapore", "AX": "Åland Islands", "CI": "Côte d’Ivoire",
		"MK": "North Macedonia", "UK": "", "XK": "", "SU": "", "AN": "", "EU": "", "": "", "<": "",
	} {
		if got := food.CountryName(code); got != want {
			t.Errorf("CountryName(%q) = %q, want %q", code, got, want)
		}
	}
}

func FuzzSubmission(f *testing.F) {
	f.Add("Ada", "Lovelace", "Pizza", "GB", true, food.NewToken())
	f.Add("e\u0301", "\xff", "\u200b", "gb", false, "")
	f.Fuzz(func(t *testing.T, first, last, favourite, country string, pledge bool, token string) {
		sub := food.Submission{Token: token, Country: country, Pledge: pledge}
		for i, field := range food.TextFields {
			field.Set(&sub, []string{first, last, favourite}[i%3])
		}
		sub = sub.Normalized()
		if again := sub.Normalized(); again != sub {
			t.Errorf("Normalized of the normalized %+v = %+v, want no change", sub, again)
		}
		if len(sub.Validate()) > 0 {
			return
		}
		for _, field := range food.TextFields {
			text := field.Of(sub)
			n := utf8.RuneCountInString(text)
			if !utf8.ValidString(text) || n < 1 || n > food.MaxLength ||
				strings.ContainsAny(text, "\n\r\x00") {
				t.Errorf("Validate accepts %q", text)
			}
		}
		if food.CountryName(sub.Country) == "" || !sub.Pledge || len(sub.Token) != 32 {
			t.Errorf("Validate accepts %+v", sub)
		}
	})
}
