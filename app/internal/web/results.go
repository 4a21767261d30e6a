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

// A resultsPage is what the submissions add up to, as tables and charts.
type resultsPage struct {
	Foods, Countries bars
	Days             line
}

// Bars are a chart of counts, the longest first.
type bars struct {
	What   string // is counted, of which ten are the most
	Counts []tally.Count
}

// Width returns the length of a count's bar in percent: one that is a millionth of the longest is still seen.
func (b bars) Width(n int64) string {
	return strconv.FormatFloat(max(0.5, 100*float64(n)/float64(b.Counts[0].N)), 'f', 1, 64)
}

// A line is a chart of days, lineHeight high. It stretches with the page.
type line []tally.Day

const (
	lineStep   = 10 // from day to day
	lineHeight = 100
)

func (l line) Width() int  { return lineStep * (len(l) - 1) }
func (l line) Height() int { return lineHeight }

// Box is the size of the picture, with room for half the line's own width around it.
func (l line) Box() string { return fmt.Sprintf("%d %d", l.Width()+2, lineHeight+4) }

// Top is the number at the upper end of the scale: 1, 2 or 5 and noughts.
func (l line) Top() int64 {
	most := l.Most().N
	for power := int64(1); ; power *= 10 {
		for _, digit := range []int64{1, 2, 5} {
			if top := digit * power; top >= most || power > math.MaxInt64/100 {
				return top
			}
		}
	}
}

// Most returns the day with the most submissions; of several, the last.
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

// Points are where the line goes, as SVG has it.
func (l line) Points() string {
	var b strings.Builder
	top := float64(l.Top())
	for i, day := range l {
		fmt.Fprintf(&b, "%d,%.1f ", i*lineStep, lineHeight*(1-float64(day.N)/top))
	}
	return strings.TrimSpace(b.String())
}

// number returns n for people to read: 1,234,567.
func number(n int64) string { return message.NewPrinter(language.English).Sprint(n) }

// getResults shows what came of the submissions. Whatever the query says, there is one such page.
func (s *Server) getResults(w http.ResponseWriter, r *http.Request) error {
	results, err := s.cfg.Tally.Results(r.Context(), s.cfg.Location)
	if err != nil {
		return errDatabase(err)
	}
	for i, country := range results.Countries {
		results.Countries[i].Name = food.CountryName(country.Name)
	}
	return s.render(w, http.StatusOK, "results",
		page{Title: "Results", Nav: "/results", Visits: s.badge(), Data: resultsPage{
			Foods:     bars{"Food", results.Foods},
			Countries: bars{"Country", results.Countries},
			Days:      results.Days,
		}})
}
