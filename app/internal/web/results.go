package web

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"simpleapp/internal/food"
	"simpleapp/internal/tally"
)

// A resultsPage is the data of the results page.
type resultsPage struct {
	Foods, Countries bars
	Days             line
}

// A bars is a bar chart of counts.
type bars struct {
	What   string        // the kind of things that are counted, such as Food
	Counts []tally.Count // tally.TopNames at most, the largest first
}

// All reports whether the chart certainly has every name. If it has tally.TopNames of them, there
// may be more.
func (b bars) All() bool { return len(b.Counts) < tally.TopNames }

// Width returns the length of the bar for n in percent of the longest bar. It is never too small to
// see.
func (b bars) Width(n int64) string {
	return strconv.FormatFloat(max(0.5, 100*float64(n)/float64(b.Counts[0].N)), 'f', 1, 64)
}

// A line is a line chart of days. In the units of its SVG, it is lineHeight high, and the points of
// two successive days are lineStep apart. The page scales it.
type line []tally.Day

const (
	lineStep   = 10
	lineHeight = 100
)

func (l line) Width() int  { return lineStep * (len(l) - 1) }
func (l line) Height() int { return lineHeight }
func (l line) Middle() int { return lineHeight / 2 }

// ViewBox returns the attribute viewBox of the SVG. It has room for half of the line's thickness on
// each side.
func (l line) ViewBox() string { return fmt.Sprintf("-1 -2 %d %d", l.Width()+2, lineHeight+4) }

// Top returns the number at the upper end of the scale: 1, 2 or 5, followed by zeros.
func (l line) Top() int64 {
	most := l.Most().N
	for power := int64(1); ; power *= 10 {
		for _, digit := range []int64{1, 2, 5} {
			top := digit * power
			if top >= most || power > math.MaxInt64/100 { // the next might overflow
				return top
			}
		}
	}
}

// Most returns the day with the most submissions. If several days have the most, it returns the
// last.
func (l line) Most() (most tally.Day) {
	for _, day := range l {
		if day.N >= most.N {
			most = day
		}
	}
	return most
}

func (l line) First() tally.Day { return l[0] }
func (l line) Last() tally.Day  { return l[len(l)-1] }

// Zone returns the time zone of the days. If the clocks have changed since the first one, it has
// both offsets.
func (l line) Zone() string {
	first, last := zone(l.First().Date), zone(l.Last().Date)
	if first == last {
		return last
	}
	return first + ", later " + last
}

// Points returns the points of the line in the syntax of SVG.
func (l line) Points() string {
	var b strings.Builder
	top := float64(l.Top())
	for i, day := range l {
		fmt.Fprintf(&b, "%d,%.1f ", i*lineStep, lineHeight*(1-float64(day.N)/top))
	}
	return strings.TrimSpace(b.String())
}

// number returns n with commas: 1,234,567.
func number(n int64) string { return message.NewPrinter(language.English).Sprint(n) }

// getResults shows the results. It ignores the query.
func (s *Server) getResults(w http.ResponseWriter, r *http.Request) error {
	results, err := s.cfg.Tally.Results(r.Context(), s.cfg.Location)
	if err != nil {
		return errDatabase(err)
	}
	for i, country := range results.Countries {
		results.Countries[i].Name = food.CountryNameOrCode(country.Name)
	}
	return s.render(w, http.StatusOK, "results",
		page{Title: "Results", Nav: "/results", Visits: s.badge(), Data: resultsPage{
			Foods:     bars{"Food", results.Foods},
			Countries: bars{"Country", results.Countries},
			Days:      results.Days,
		}})
}
