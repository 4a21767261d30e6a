package main

import (
	"fmt"
	"io"
	"slices"
)

// A report has the metrics of the benchmark, in the order in which they were first measured.
type report struct{ metrics []*metric }

// A metric is a row of the report: what it measures, and the values of each round.
type metric struct {
	name   string
	aim    string      // what the program should reach: see docs/performance.md
	format string      // of the medians
	rounds [][]float64 // each with the same number of values
}

// add adds the values of a round to the metric called name.
func (r *report) add(name, aim, format string, values ...float64) {
	i := slices.IndexFunc(r.metrics, func(m *metric) bool { return m.name == name })
	if i < 0 {
		i = len(r.metrics)
		r.metrics = append(r.metrics, &metric{name: name, aim: aim, format: format})
	}
	r.metrics[i].rounds = append(r.metrics[i].rounds, values)
}

// medians returns the median of each value over all rounds, formatted.
func (m *metric) medians() string {
	var medians []any
	for i := range m.rounds[0] {
		var values []float64
		for _, round := range m.rounds {
			values = append(values, round[i])
		}
		medians = append(medians, median(values))
	}
	return fmt.Sprintf(m.format, medians...)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// print prints the medians of all metrics as a table, beside their aims.
func (r *report) print(w io.Writer) {
	if len(r.metrics) == 0 { // the part others prints a table of its own
		return
	}
	fmt.Fprintln(w, "| what | measured | aim |")
	fmt.Fprintln(w, "| --- | --- | --- |")
	for _, m := range r.metrics {
		fmt.Fprintf(w, "| %s | %s | %s |\n", m.name, m.medians(), m.aim)
	}
}
