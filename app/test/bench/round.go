package main

import "log"

// round loads every server once and adds what it measured to the report.
func (b *bench) round() error {
	commandsBefore, err := b.commands()
	if err != nil {
		return err
	}
	var baselineHome, baselineForm, home, form, embedded result
	var floorHome, floorForm, floorEmbedded result
	var submissions, results, middle struct{ small, million result }
	for _, load := range []struct {
		addr, path  string
		connections int
		form        bool
		result      *result
	}{
		{b.baseline.addr, "/", connections, false, &baselineHome},
		{b.app.Addr, "/", connections, false, &home},
		{b.floor.addr, "/", connections, false, &floorHome},
		{b.embedded.Addr, "/", connections, false, &embedded},
		{b.floorEmbedded.addr, "/", connections, false, &floorEmbedded},
		{b.baseline.addr, "/simpleform", connections, true, &baselineForm},
		{b.app.Addr, "/simpleform", connections, true, &form},
		{b.floor.addr, "/simpleform", connections, true, &floorForm},
		{b.small.Addr, "/submissions", 1, false, &submissions.small},
		{b.million.Addr, "/submissions", 1, false, &submissions.million},
		{b.small.Addr, "/results", 1, false, &results.small},
		{b.million.Addr, "/results", 1, false, &results.million},
		{b.small.Addr, "/submissions?before=500", 1, false, &middle.small},
		{b.million.Addr, "/submissions?before=500000", 1, false, &middle.million},
	} {
		measured, err := b.wrk(load.addr, load.path, load.connections, load.form, b.duration)
		if err != nil {
			return err
		}
		*load.result = measured
		if load.result == &home {
			commandsAfter, err := b.commands()
			if err != nil {
				return err
			}
			perVisit := float64(commandsAfter-commandsBefore) / float64(home.Requests)
			b.report.commands.add(1000 * perVisit)
		}
	}
	start, err := b.timeStart()
	if err != nil {
		return err
	}

	r := b.report
	r.home.add(home.rate() / floorHome.rate())
	r.form.add(form.rate() / floorForm.rate())
	r.embedded.add(embedded.rate() / floorEmbedded.rate())
	r.rates.add(home.rate()/baselineHome.rate(), form.rate()/baselineForm.rate(),
		embedded.rate()/baselineHome.rate())
	r.floorRates.add(floorHome.rate()/baselineHome.rate(), floorForm.rate()/baselineForm.rate(),
		floorEmbedded.rate()/baselineHome.rate())
	r.latency.add(home.P99/floorHome.P99, form.P99/floorForm.P99)
	r.baselineLatency.add(home.P99/baselineHome.P99, form.P99/baselineForm.P99)
	r.submissions.add(submissions.million.P50 / submissions.small.P50)
	r.middle.add(middle.million.P50 / middle.small.P50)
	r.results.add(results.million.P50 / results.small.P50)
	r.start.add(start)
	log.Printf("  home %.0f/s, embedded %.0f/s, baseline %.0f/s, the floor %.0f/s and %.0f/s; "+
		"form %.0f/s, baseline %.0f/s, the floor %.0f/s",
		home.rate(), embedded.rate(), baselineHome.rate(), floorHome.rate(), floorEmbedded.rate(),
		form.rate(), baselineForm.rate(), floorForm.rate())
	log.Printf("  99th percentile: home %.2f ms, baseline %.2f ms; "+
		"form %.2f ms, baseline %.2f ms; start %.0f ms",
		home.P99/1e3, baselineHome.P99/1e3, form.P99/1e3, baselineForm.P99/1e3, start)
	return nil
}
