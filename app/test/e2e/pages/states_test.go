package pages

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// A state is a page as a visitor may see it.
type state struct {
	name   string
	path   string
	form   url.Values // to submit to path, or nil
	status int
	title  string
}

// inTime calls get, which returns the status of the page, and checks that status. The site answers
// 503 if the disk takes longer than 3 s, so inTime then calls get again: see testsite.Submit.
func (s state) inTime(t *testing.T, get func() (status int)) {
	t.Helper()
	testsite.Within(t, time.Minute, s.path+" in time", func() error {
		status := get()
		if status != s.status && status != http.StatusServiceUnavailable {
			t.Fatalf("%s = %d, want %d", s.path, status, s.status)
		}
		if status != s.status {
			return fmt.Errorf("status %d, want %d", status, s.status)
		}
		return nil
	})
}

const (
	token      = "00112233445566778899aabbccddeeff"
	otherToken = "ffeeddccbbaa99887766554433221100"
)

// answers returns a valid form with this token and with changes, given as name and value.
func answers(token string, changes ...string) url.Values {
	form := testsite.Form()
	changes = append([]string{"token", token, "first_name", "Siti",
		"last_name", "Nurhaliza O’Brien", "favourite_food", "Nasi lemak", "country", "MY"},
		changes...)
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return form
}

var emptyForm = url.Values{"token": {token}}

// The states of the pages, in the order in which the test goes through them.
var (
	working = []state{
		{"home", "/", nil, 200, "Home"},
		{"submissions-empty", "/submissions", nil, 200, "MySQL Data"},
		{"results-empty", "/results", nil, 200, "Results"},
		{"form", "/simpleform", nil, 200, "Simple Form"},
		{"form-errors", "/simpleform", emptyForm, 422, "Error: Simple Form"},
		{"form-without-token", "/simpleform",
			answers("?", "first_name", strings.Repeat("long", 26)), 422, "Error: Simple Form"},
		{"success", "/simpleform", answers(token), 200, "Thank you for your answers"},
		{"conflict", "/simpleform",
			answers(token, "favourite_food", "Laksa"), 409, "Error: Your first answers were kept"},
		{"submissions", "/submissions", nil, 200, "MySQL Data"},
		{"results-first", "/results?top=" + strings.Repeat("9", 1000), nil, 200, "Results"},
		{"not-found", "/no-such-page", nil, 404, "Page not found"},
		{"method", "/submissions", emptyForm, 405, "That can’t be done here"},
		{"too-large", "/simpleform",
			answers(otherToken, "favourite_food", strings.Repeat("long", 5000)),
			413, "That is too long"},
	}
	// There are more submissions than fit on a page.
	moreThanAPage = []state{
		{"submissions-newest", "/submissions", nil, 200, "MySQL Data"},
		{"submissions-middle", "/submissions?before=30", nil, 200, "MySQL Data, continued"},
		{"submissions-end", "/submissions?before=1", nil, 200, "MySQL Data, continued"},
		{"results", "/results", nil, 200, "Results"},
	}
	// The results have foods in many scripts, and numbers of every size.
	unusualResults = []state{{"results-odd", "/results", nil, 200, "Results"}}
	// MySQL and Redis do not answer.
	storesDown = []state{
		{"home-down", "/", nil, 200, "Home"},
		{"form-down", "/simpleform", answers(otherToken), 503, "Error: Simple Form"},
		{"success-down", "/simpleform/success?reference=0123-4567-89ab", nil,
			200, "Thank you for your answers"},
		{"submissions-down", "/submissions", nil, 503, "The records can’t be read right now"},
		{"results-down", "/results", nil, 503, "The records can’t be read right now"},
	}
	// The program has a fault: it has no database.
	withoutStores = []state{{"broken", "/submissions", nil, 500, "Something went wrong"}}
)

// addUnusualCounts adds counts directly, because as many submissions would take too long: foods in
// many scripts, some of 100 characters, some of them millions of times.
func addUnusualCounts(t *testing.T, mysql *testserver.Server) {
	t.Helper()
	quarters := make(map[string]int64)
	for day := range int64(30) {
		hour := time.Now().UTC().AddDate(0, 0, -int(day)).Format("2006-01-02 15:00")
		quarters[hour] = 1_000_000 * (day * 7 % 11)
	}
	log, err := json.Marshal(map[string]any{
		"foods": map[string]int64{
			strings.Repeat("W", 100): 987_654_321_987,
			"كبسة الدجاج مع الأرز والصنوبر والزبيب": 654_321_987,
			"<b>bold</b> & \"quoted\"":            54_321_987,
			strings.Repeat("🍕", 100):              4_321_987,
			strings.Repeat("Pasta ", 16) + "etc.": 321_987,
			"\u202eright to left":                 21_987,
			"Z̸̧̡̛͖͉a̸̳͝l̸g̷o̶":                   1_987,
			strings.Repeat("麵", 100):              987,
		},
		"countries": map[string]int64{"GS": 987_654_321_987, "SG": 1},
		"quarters":  quarters,
	})
	if err != nil {
		t.Fatal(err)
	}
	root := mysql.Root()
	defer root.Close()
	if _, err := root.Exec("INSERT INTO tally_log (counts) VALUES (?)", log); err != nil {
		t.Fatal(err)
	}
}
