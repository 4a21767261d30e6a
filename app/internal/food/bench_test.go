package food_test

import (
	"strings"
	"testing"

	"simpleapp/internal/testsite"
)

func BenchmarkValidate(b *testing.B) {
	short, long := testsite.Submission(), testsite.Submission()
	long.FirstName = strings.Repeat("é", 100)
	long.LastName = strings.Repeat("寿", 100)
	bad := testsite.Submission()
	bad.FirstName, bad.Country, bad.Pledge = "", "XX", false
	for name, sub := range map[string]struct {
		wantErrors int
		test       func() int
	}{
		"short":   {0, func() int { return len(short.Normalized().Validate()) }},
		"long":    {0, func() int { return len(long.Normalized().Validate()) }},
		"invalid": {3, func() int { return len(bad.Normalized().Validate()) }},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := sub.test(); got != sub.wantErrors {
					b.Fatalf("%d errors, want %d", got, sub.wantErrors)
				}
			}
		})
	}
}
