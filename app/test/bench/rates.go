package main

import (
	"context"
	"errors"
	"log"
	"path/filepath"
	"strconv"
	"strings"
)

// rates measures how many requests the servers answer, how long the slowest ones take, and how much
// of a CPU that takes.
func (b *bench) rates(rounds int) error {
	// The embedded storage runs with Go's default number of threads. With one thread an fsync
	// blocks the program: the rate falls from 0.60 to 0.48 of the baseline's.
	data := "DATA_DIR=" + filepath.Join(b.dir, "embedded")
	app, appErr := b.app(b.servers...)
	embedded, embeddedErr := b.app(data)
	if err := errors.Join(appErr, embeddedErr); err != nil {
		return err
	}
	answers, err := record(app)
	if err != nil {
		return err
	}
	baseline, baselineErr := b.bare(answers)
	floor, floorErr := b.bare(answers, b.servers...)
	floorEmbedded, floorEmbeddedErr := b.bare(answers, data)
	if err := errors.Join(baselineErr, floorErr, floorEmbeddedErr); err != nil {
		return err
	}
	for n := range rounds {
		log.Printf("round %d of %d", n+1, rounds)
		if err := b.round(app, floor, baseline, embedded, floorEmbedded); err != nil {
			return err
		}
	}
	memory, err := peakMemory(app.pid)
	b.report.add("peak resident memory of the program on Redis and MySQL", "", "%.0f MB", memory)
	return err
}

// round loads every server with each of its pages, one after the other.
func (b *bench) round(app, floor, baseline, embedded, floorEmbedded target) error {
	var home, floorHome, baselineHome, form, floorForm, baselineForm result
	var embeddedHome, floorEmbeddedHome result
	commandsBefore, err := b.commands()
	if err != nil {
		return err
	}
	for _, load := range []struct {
		server target
		form   bool
		result *result
	}{
		{baseline, false, &baselineHome},
		{app, false, &home},
		{floor, false, &floorHome},
		{embedded, false, &embeddedHome},
		{floorEmbedded, false, &floorEmbeddedHome},
		{baseline, true, &baselineForm},
		{app, true, &form},
		{floor, true, &floorForm},
	} {
		path := "/"
		if load.form {
			path = "/simpleform"
		}
		if *load.result, err = b.wrk(load.server, path, connections, load.form); err != nil {
			return err
		}
		if load.result == &home {
			commandsAfter, err := b.commands()
			if err != nil {
				return err
			}
			b.report.add("commands to Redis per 1,000 visits at 64 connections", "", "%.0f",
				1000*float64(commandsAfter-commandsBefore)/float64(home.Requests))
		}
	}
	r := &b.report
	r.add("home page, counted in Redis, rate against the floor", "≥ 0.97", "%.2f",
		home.rate()/floorHome.rate())
	r.add("form submission, durable in MySQL, rate against the floor", "≥ 0.97", "%.2f",
		form.rate()/floorForm.rate())
	r.add("home page on the embedded storage, rate against the floor", "≥ 0.92", "%.2f",
		embeddedHome.rate()/floorEmbeddedHome.rate())
	r.add("rates of the three above against the baseline", "", "%.2f, %.2f, %.2f",
		home.rate()/baselineHome.rate(), form.rate()/baselineForm.rate(),
		embeddedHome.rate()/baselineHome.rate())
	r.add("rates of the floor against the baseline: Redis, MySQL, embedded", "",
		"%.2f, %.2f, %.2f", floorHome.rate()/baselineHome.rate(),
		floorForm.rate()/baselineForm.rate(), floorEmbeddedHome.rate()/baselineHome.rate())
	r.add("99th percentile of home page and form against the floor's", "≤ 1.1", "%.2f and %.2f",
		home.P99/floorHome.P99, form.P99/floorForm.P99)
	r.add("CPU of the program for a home page, a stored form, a home page on the embedded storage",
		"", "%.1f µs, %.1f µs, %.1f µs", home.CPU, form.CPU, embeddedHome.CPU)
	r.add("CPU of the three against the floor", "", "%.2f, %.2f, %.2f",
		home.CPU/floorHome.CPU, form.CPU/floorForm.CPU, embeddedHome.CPU/floorEmbeddedHome.CPU)
	log.Printf("  per second: home %.0f, floor %.0f, baseline %.0f; form %.0f, floor %.0f, "+
		"baseline %.0f; embedded %.0f, floor %.0f",
		home.rate(), floorHome.rate(), baselineHome.rate(), form.rate(), floorForm.rate(),
		baselineForm.rate(), embeddedHome.rate(), floorEmbeddedHome.rate())
	return b.tails(app, floor, home.rate()/2, form.rate()/2)
}

// commands returns how many commands Redis has received so far, of the kinds that the program
// sends. Calls that scripts make do not count.
func (b *bench) commands() (int, error) {
	stats, err := b.cache.Info(context.Background(), "commandstats").Result()
	if err != nil {
		return 0, err
	}
	return sentCommands(stats), nil
}

// sentCommands adds up the commands in Redis's commandstats that the program sends. It leaves out
// those that only scripts call.
func sentCommands(stats string) int {
	var sum int
	for line := range strings.Lines(stats) {
		name, fields, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		switch name {
		case "evalsha", "eval", "ping", "auth", "hello":
			calls, _, _ := strings.Cut(fields, ",")
			n, _ := strconv.Atoi(calls)
			sum += n
		}
	}
	return sum
}
