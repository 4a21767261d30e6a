package main

import (
	"fmt"
	"io"
	"slices"
)

// A metric is a row of the report: what it measures, and the values that each round measured.
type metric struct {
	name   string
	format string      // of the medians
	aim    string      // what the program should reach: see docs/performance.md
	rounds [][]float64 // each with the same number of values
}

// add notes the values of a round.
func (m *metric) add(values ...float64) { m.rounds = append(m.rounds, values) }

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

// A report has the metrics of the benchmark.
type report struct {
	home, form, embedded, rates, floorRates, latency, baselineLatency,
	submissions, middle, results, memory, start, commands metric
}

func newReport() *report {
	return &report{
		home: metric{format: "%.2f", aim: "≥ 0.97",
			name: "home page, counted in Redis, rate against the floor"},
		form: metric{format: "%.2f", aim: "≥ 0.97",
			name: "form submission, durable in MySQL, rate against the floor"},
		embedded: metric{format: "%.2f", aim: "≥ 0.92",
			name: "home page on the embedded storage, rate against the floor"},
		rates: metric{format: "%.2f, %.2f, %.2f",
			name: "rates of the three above against the baseline"},
		floorRates: metric{format: "%.2f, %.2f, %.2f",
			name: "rates of the floor against the baseline: Redis, MySQL, embedded"},
		latency: metric{format: "%.2f and %.2f", aim: "≤ 1.1",
			name: "99th percentile of home page and form against the floor's"},
		baselineLatency: metric{format: "%.2f and %.2f",
			name: "99th percentile of home page and form against the baseline's"},
		submissions: metric{format: "%.2f", aim: "≤ 1.1",
			name: "`/submissions` at 1,000,000 rows, time against 1,000 rows"},
		middle: metric{format: "%.2f", aim: "≤ 1.1",
			name: "a page in the middle of 1,000,000 rows, time against 1,000 rows"},
		results: metric{format: "%.2f", aim: "≤ 1.1",
			name: "`/results` at 1,000,000 rows and 500,001 foods, time against 1,000 rows"},
		memory: metric{format: "%.0f MB",
			name: "peak resident memory of the program on Redis and MySQL"},
		start: metric{format: "%.0f ms",
			name: "start of the process to the first page, embedded"},
		commands: metric{format: "%.0f",
			name: "commands to Redis per 1,000 visits at 64 connections"},
	}
}

// print prints the medians of all metrics as a table, beside their aims.
func (r *report) print(w io.Writer) {
	fmt.Fprintln(w, "| what | measured | aim |")
	fmt.Fprintln(w, "| --- | --- | --- |")
	for _, m := range []*metric{&r.home, &r.form, &r.embedded, &r.rates, &r.floorRates,
		&r.latency, &r.baselineLatency, &r.submissions, &r.middle, &r.results,
		&r.memory, &r.start, &r.commands} {
		fmt.Fprintf(w, "| %s | %s | %s |\n", m.name, m.medians(), m.aim)
	}
}
