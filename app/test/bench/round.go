package main

import "log"

// round loads every server once and notes how they compare.
func (b *bench) round() error {
	commands, err := b.commands()
	if err != nil {
		return err
	}
	var bare, home, least, embedded, leastEmbedded, bareForm, form, leastForm result
	var small, million, smallResults, millionResults, smallMiddle, millionMiddle result
	for _, load := range []struct {
		addr, path  string
		connections int
		form        bool
		result      *result
	}{
		{b.yardstick.addr, "/", connections, false, &bare},
		{b.app.Addr, "/", connections, false, &home},
		{b.least.addr, "/", connections, false, &least},
		{b.embedded.Addr, "/", connections, false, &embedded},
		{b.leastEmbedded.addr, "/", connections, false, &leastEmbedded},
		{b.yardstick.addr, "/simpleform", connections, true, &bareForm},
		{b.app.Addr, "/simpleform", connections, true, &form},
		{b.least.addr, "/simpleform", connections, true, &leastForm},
		{b.small.Addr, "/submissions", 1, false, &small},
		{b.million.Addr, "/submissions", 1, false, &million},
		{b.small.Addr, "/results", 1, false, &smallResults},
		{b.million.Addr, "/results", 1, false, &millionResults},
		{b.small.Addr, "/submissions?before=500", 1, false, &smallMiddle},
		{b.million.Addr, "/submissions?before=500000", 1, false, &millionMiddle},
	} {
		if *load.result, err = b.wrk(load.addr, load.path, load.connections, load.form, b.duration); err != nil {
			return err
		}
		if load.result == &home {
			after, err := b.commands()
			if err != nil {
				return err
			}
			b.figures.commands = append(b.figures.commands, 1000*float64(after-commands)/float64(home.Requests))
		}
	}
	start, err := b.timeStart()
	if err != nil {
		return err
	}
	f := &b.figures
	f.home = append(f.home, home.rate()/bare.rate())
	f.form = append(f.form, form.rate()/bareForm.rate())
	f.embedded = append(f.embedded, embedded.rate()/bare.rate())
	f.leastHome = append(f.leastHome, least.rate()/bare.rate())
	f.leastForm = append(f.leastForm, leastForm.rate()/bareForm.rate())
	f.leastEmbedded = append(f.leastEmbedded, leastEmbedded.rate()/bare.rate())
	f.homeP99 = append(f.homeP99, home.P99/bare.P99)
	f.formP99 = append(f.formP99, form.P99/bareForm.P99)
	f.million = append(f.million, million.P50/small.P50)
	f.middle = append(f.middle, millionMiddle.P50/smallMiddle.P50)
	f.results = append(f.results, millionResults.P50/smallResults.P50)
	f.start = append(f.start, start)
	log.Printf("  home %.0f/s, embedded %.0f/s, yardstick %.0f/s, the least %.0f/s and %.0f/s; form %.0f/s, yardstick %.0f/s, the least %.0f/s",
		home.rate(), embedded.rate(), bare.rate(), least.rate(), leastEmbedded.rate(), form.rate(), bareForm.rate(), leastForm.rate())
	log.Printf("  99th percentile: home %.2f ms, yardstick %.2f ms; form %.2f ms, yardstick %.2f ms; start %.0f ms",
		home.P99/1e3, bare.P99/1e3, form.P99/1e3, bareForm.P99/1e3, start)
	return nil
}
