package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"

	"simpleapp/internal/testsite"
)

// load.lua makes wrk submit forms and print its measurements as JSON.
//
//go:embed load.lua
var script []byte

// A result is what one run of wrk measured.
type result struct {
	Requests int
	Errors   int     // failed connections, reads, writes, timeouts; answers but 2xx and 3xx
	Seconds  float64 // of the run
	P50, P99 float64 // microseconds
	CPU      float64 // microseconds that the server's process took for a request
}

func (r result) rate() float64 { return float64(r.Requests) / r.Seconds }

// A target is a server under load.
type target struct {
	addr string // host:port
	pid  int
}

// wrk calls load. A failed request is an error.
func (b *bench) wrk(server target, path string, connections int, form bool) (result, error) {
	r, err := b.load(server, path, connections, form)
	if err == nil && (r.Errors > 0 || r.Requests == 0) {
		err = fmt.Errorf("wrk: %d errors in %d requests to %s", r.Errors, r.Requests, path)
	}
	return r, err
}

// load loads a server with wrk for b.duration. With form, each request is a POST with a new token.
func (b *bench) load(server target, path string, connections int, form bool) (result, error) {
	b.runs++
	args := []string{"--threads", "1", "--connections", strconv.Itoa(connections),
		"--duration", b.duration.String(), "--timeout", "10s",
		"--script", b.script, "http://" + server.addr + path}
	if form {
		body := testsite.Form()
		body.Del("token")
		args = append(args, "--", body.Encode(),
			fmt.Sprintf("%016x", b.started.UnixNano()+int64(b.runs)))
	}
	before, err := cpuTime(server.pid)
	if err != nil {
		return result{}, err
	}
	output, err := exec.CommandContext(b.ctx, "wrk", args...).CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w: %s", err, output)
	}
	var r result
	start := max(0, bytes.IndexByte(output, '{')) // after wrk's own report
	if err := json.Unmarshal(output[start:], &r); err != nil {
		return result{}, fmt.Errorf("wrk: %w: %s", err, output)
	}
	after, err := cpuTime(server.pid)
	r.CPU = float64((after - before).Microseconds()) / float64(r.Requests)
	return r, err
}
