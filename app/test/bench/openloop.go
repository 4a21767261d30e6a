package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"simpleapp/internal/testsite"
)

// visitors is how many connections an openLoop has. They share the rate: at 10,000 requests a
// second, each sends one every 26 ms.
const visitors = 256

// tails measures the slowest answers of the program at half of its rates, and adds them to the
// report.
func (b *bench) tails(app, floor target, homeRate, formRate float64) error {
	var home, floorHome, form, floorForm tail
	for _, load := range []struct {
		server target
		form   bool
		rate   float64
		tail   *tail
	}{
		{app, false, homeRate, &home},
		{floor, false, homeRate, &floorHome},
		{app, true, formRate, &form},
		{floor, true, formRate, &floorForm},
	} {
		var err error
		if *load.tail, err = b.openLoop(load.server, load.form, load.rate); err != nil {
			return err
		}
	}
	b.report.add("99.9th percentile of home page and form at half of the program's rate, with "+
		"requests sent at fixed times, against the floor's median", "≤ 3", "%.1f and %.1f",
		home.p999/floorHome.p50, form.p999/floorForm.p50)
	b.report.add("the same of the floor itself", "", "%.1f and %.1f",
		floorHome.p999/floorHome.p50, floorForm.p999/floorForm.p50)
	log.Printf("  on a clock: home %.0f/s, median %.2f ms, 99.9th percentile %.2f ms (floor %.2f "+
		"and %.2f); form %.0f/s, %.2f and %.2f ms (floor %.2f and %.2f)", homeRate, home.p50,
		home.p999, floorHome.p50, floorHome.p999, formRate, form.p50, form.p999, floorForm.p50,
		floorForm.p999)
	return nil
}

// A tail is how long answers took, in milliseconds.
type tail struct{ p50, p999 float64 }

// openLoop sends rate requests per second for b.duration. Each request is due at a time on a clock,
// and its time counts from then, even if its connection was still busy. So a server that stops for
// a moment delays all requests of that moment, and not only one for each connection ("coordinated
// omission").
func (b *bench) openLoop(server target, form bool, rate float64) (tail, error) {
	b.runs++
	interval := time.Duration(float64(visitors) / rate * float64(time.Second))
	requests := max(1, int(b.duration/interval))
	took := make([][]time.Duration, visitors)
	errs := make([]error, visitors)
	start := time.Now().Add(100 * time.Millisecond) // when all have connected
	var all sync.WaitGroup
	for i := range visitors {
		all.Go(func() {
			first := start.Add(interval * time.Duration(i) / visitors)
			prefix := fmt.Sprintf("%016x%06x", b.started.UnixNano()+int64(b.runs), i)
			took[i], errs[i] = visit(server.addr, requests, func(n int) time.Time {
				return first.Add(interval * time.Duration(n))
			}, func(n int) string {
				if form {
					return formRequest(server.addr, prefix+fmt.Sprintf("%010x", n))
				}
				return "GET / HTTP/1.1\r\nHost: " + server.addr + "\r\n\r\n"
			})
		})
	}
	all.Wait()
	sorted := slices.Concat(took...)
	slices.Sort(sorted)
	ms := func(quantile float64) float64 {
		return float64(sorted[int(quantile*float64(len(sorted)-1))]) / float64(time.Millisecond)
	}
	if err := errors.Join(append(errs, b.ctx.Err())...); err != nil {
		return tail{}, err
	}
	return tail{ms(0.5), ms(0.999)}, nil
}

// visit sends requests on one connection, and returns how long after its due time each answer was
// complete. at returns the due time of a request.
func visit(addr string, requests int, at func(n int) time.Time, request func(n int) string) (
	took []time.Duration, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for n := range requests {
		due := at(n)
		time.Sleep(time.Until(due))
		if _, err := io.WriteString(conn, request(n)); err != nil {
			return nil, err
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return nil, err
		}
		if answer.StatusCode >= 400 {
			return nil, fmt.Errorf("an answer is %s", answer.Status)
		}
		took = append(took, time.Since(due))
	}
	return took, nil
}

// formRequest returns the request that submits a form.
func formRequest(addr, token string) string {
	form := testsite.Form()
	form.Set("token", token)
	body := form.Encode()
	return fmt.Sprintf("POST /simpleform HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		addr, addr, len(body), body)
}
