package web

import (
	"strings"
	"testing"

	"simpleapp/internal/food"
)

// No country is chosen but the one the visitor chose.
func TestCountryOptions(t *testing.T) {
	all := options("")
	if got := strings.Count(string(all), "<option"); got != len(food.Countries()) {
		t.Errorf("%d options, want %d", got, len(food.Countries()))
	}
	for _, selected := range []string{"", "XX", "value=", `GB" selected x="`, "<"} {
		if got := options(selected); got != all {
			t.Errorf("options(%q) select something", selected)
		}
	}
	for _, c := range food.Countries() {
		want := strings.Replace(string(all), `<option value="`+c.Code+`">`, `<option value="`+c.Code+`" selected>`, 1)
		if got := string(options(c.Code)); got != want || got == string(all) {
			t.Errorf("options(%q) do not select that country alone", c.Code)
		}
	}
}
