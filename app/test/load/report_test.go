package load

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A recorder records the errors of a test that is meant to fail.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func TestReportCheck(t *testing.T) {
	report := Report{
		Confirmed:          map[string]bool{"confirmed": true},
		Refused:            map[string]bool{"refused": true},
		UnknownSubmissions: map[string]bool{"unknown": true},
	}
	for _, test := range []struct {
		now  string // the tokens of the rows
		want string // what is wrong with the row of the other token
	}{
		{"earlier confirmed", ""},
		{"earlier confirmed unknown", ""},
		{"confirmed", "1 submissions were stored before, and are gone, such as earlier"},
		{"earlier", "1 submissions were confirmed, and are not stored, such as confirmed"},
		{"earlier confirmed refused",
			"1 submissions were refused as not stored, and are stored, such as refused"},
		{"earlier confirmed other",
			"1 submissions are stored, and were not confirmed, such as other"},
	} {
		t.Run(test.now, func(t *testing.T) {
			before, now := map[string]string{"earlier": "row"}, map[string]string{}
			for token := range strings.FieldsSeq(test.now) {
				now[token] = "row"
			}
			r := &recorder{TB: t}
			report.Check(r, before, now)
			var want []string
			if test.want != "" {
				want = []string{test.want}
			}
			if !slices.Equal(r.errors, want) {
				t.Errorf("Check = %q, want %q", r.errors, want)
			}
		})
	}
}
