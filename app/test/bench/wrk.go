package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

// load.lua tells wrk to submit forms, and to say what it measured as JSON.
//
//go:embed load.lua
var script []byte

// A result is what one run of wrk measured.
type result struct {
	Requests int
	Errors   int     // connections that failed or answers that are not 2xx or 3xx
	Seconds  float64 // of the run
	P50, P99 float64 // microseconds
}

func (r result) rate() float64 { return float64(r.Requests) / r.Seconds }

// wrk loads a server for a while. With form, each request is a POST with a token of its own.
func (b *bench) wrk(addr, path string, connections int, form bool, d time.Duration) (result, error) {
	mode := "get"
	if form {
		mode = "form"
	}
	b.runs++
	cmd := exec.Command("wrk", "--threads", "1", "--connections", strconv.Itoa(connections),
		"--duration", d.String(), "--timeout", "10s", "--script", b.script, "http://"+addr+path,
		"--", mode, fmt.Sprintf("%016x", b.started.UnixNano()+int64(b.runs)))
	output, err := cmd.CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w: %s", err, output)
	}
	// wrk's own report comes first.
	var r result
	start := len(output)
	for i, c := range output {
		if c == '{' {
			start = i
			break
		}
	}
	if err := json.Unmarshal(output[start:], &r); err != nil {
		return result{}, fmt.Errorf("wrk: %w: %s", err, output)
	}
	if r.Errors > 0 || r.Requests == 0 {
		return result{}, fmt.Errorf("wrk: %d errors in %d requests to %s", r.Errors, r.Requests, path)
	}
	return r, nil
}
