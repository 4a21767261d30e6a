package web

import (
	"strings"
	"testing"

	"simpleapp/internal/food"
)

// options selects the country that the visitor chose, and no other.
func TestOptions(t *testing.T) {
	all := options("")
	if got := strings.Count(string(all), "<option"); got != len(food.Countries()) {
		t.Errorf("options has %d countries, want %d", got, len(food.Countries()))
	}
	for _, selected := range []string{"", "XX", "value=", `GB" selected x="`, "<"} {
		if got := options(selected); got != all {
			t.Errorf("options(%q) selects a country, want none", selected)
		}
	}
	for _, c := range food.Countries() {
		option := `<option value="` + c.Code + `"`
		want := strings.Replace(string(all), option, option+" selected", 1)
		if got := string(options(c.Code)); got != want || got == string(all) {
			t.Errorf("options(%q) does not select that country alone", c.Code)
		}
	}
}
