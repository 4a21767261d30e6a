package food_test

import (
	"testing"

	"simpleapp/internal/food"
)

func TestNormalizeReference(t *testing.T) {
	for text, want := range map[string]string{
		"3f9a-2c71-b04e": "3f9a-2c71-b04e",
		"3F9A2C71B04E":   "3f9a-2c71-b04e",
		"HELLO-WORLD12":  "HELLO-WORLD12",
		"3F9A":           "3F9A",
		"":               "",
	} {
		if got := food.NormalizeReference(text); got != want {
			t.Errorf("NormalizeReference(%q) = %q, want %q", text, got, want)
		}
	}
}
