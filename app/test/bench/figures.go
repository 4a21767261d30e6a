package main

import (
	"fmt"
	"io"
	"slices"
)

// figures holds what each round measured.
type figures struct {
	home, form, embedded                              []float64 // rates against the yardstick
	leastHome, leastForm, leastEmbedded               []float64 // likewise, of the least that stores
	homeP99, formP99                                  []float64
	million, middle, results, start, commands, memory []float64
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// print prints the medians as a table, beside what they are to be.
func (f *figures) print(w io.Writer) {
	fmt.Fprintln(w, "| what | reached | wanted |")
	fmt.Fprintln(w, "| --- | --- | --- |")
	for _, row := range []struct{ what, reached, wanted string }{
		{"home page, counted in Redis, rate against the yardstick", ratio(f.home), "≥ 0.90"},
		{"form submission, durable in MySQL, rate against the yardstick's POST", ratio(f.form), "≥ 0.70"},
		{"home page on the embedded storage, rate against the yardstick", ratio(f.embedded), "≥ 0.85"},
		{"the least that stores like these three, likewise", ratio(f.leastHome) + ", " + ratio(f.leastForm) + ", " + ratio(f.leastEmbedded), ""},
		{"99th percentile of the first two against the yardstick's", ratio(f.homeP99) + " and " + ratio(f.formP99), "≤ 1.5"},
		{"`/submissions` at 1,000,000 rows, time against 1,000 rows", ratio(f.million), "≤ 1.1"},
		{"its page in the middle of them, likewise", ratio(f.middle), "≤ 1.2"},
		{"`/results` at 1,000,000 rows and 500,001 foods, time against 1,000 rows", ratio(f.results), "≤ 1.2"},
		{"resident memory under that load", fmt.Sprintf("%.0f MB", median(f.memory)), "≤ 48 MB"},
		{"start of the process to the first page, embedded", fmt.Sprintf("%.0f ms", median(f.start)), "≤ 150 ms"},
		{"commands to Redis per 1,000 visits at 64 connections", fmt.Sprintf("%.0f", median(f.commands)), "≤ 150"},
	} {
		fmt.Fprintf(w, "| %s | %s | %s |\n", row.what, row.reached, row.wanted)
	}
}

func ratio(values []float64) string { return fmt.Sprintf("%.2f", median(values)) }
