package food

import (
	"cmp"
	"slices"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// A Country is a country of ISO 3166-1: its alpha-2 code and its English name.
type Country struct{ Code, Name string }

// renamed contains the countries whose names golang.org/x/text has in an older form.
var renamed = map[string]string{"MK": "North Macedonia", "SZ": "Eswatini", "TR": "Türkiye"}

// Countries returns every country of ISO 3166-1, in the English order of their names. The caller
// must not change the slice, because all callers share it.
var Countries = sync.OnceValue(func() []Country {
	var countries []Country
	names := display.English.Regions()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			region, err := language.ParseRegion(string([]rune{a, b}))
			if err != nil || !region.IsCountry() || region.IsPrivateUse() {
				continue
			}
			// A code without an M49 number is reserved, but not assigned. A code without a name is
			// not in use any more.
			if region.Canonicalize() != region || region.M49() == 0 || names.Name(region) == "" {
				continue
			}
			code := region.String()
			countries = append(countries, Country{code, cmp.Or(renamed[code], names.Name(region))})
		}
	}
	order := collate.New(language.English)
	slices.SortFunc(countries, func(a, b Country) int {
		return order.CompareString(a.Name, b.Name)
	})
	return countries
})

var countryNames = sync.OnceValue(func() map[string]string {
	names := make(map[string]string)
	for _, c := range Countries() {
		names[c.Code] = c.Name
	}
	return names
})

// CountryName returns the English name of the country with an alpha-2 code, or "" if no country has
// that code.
func CountryName(code string) string { return countryNames()[code] }

// CountryNameOrCode returns the English name of the country with an alpha-2 code, or the code if no
// country has it.
func CountryNameOrCode(code string) string { return cmp.Or(CountryName(code), code) }
