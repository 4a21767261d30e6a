package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// startProxy starts a proxy to a server. The proxy ends with the test.
func startProxy(t *testing.T, upstream string) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "proxy", "127.0.0.1:0", upstream)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	return proxy
}

// faults are what disturb does to connections, as toxics of toxiproxy. The downstream carries the
// answers of the server, the upstream the commands of the app.
var faults = []struct{ effect, toxic string }{
	{"the connection is reset and answers are lost",
		`"type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 0}`},
	{"the connection is reset and commands are lost",
		`"type": "reset_peer", "stream": "upstream", "attributes": {"timeout": 0}`},
	{"answers are lost, then the connection ends",
		`"type": "timeout", "stream": "downstream", "attributes": {"timeout": 20}`},
	{"answers are lost, the connection stays half open",
		`"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}`},
	{"an answer is cut off in the middle",
		`"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 7}`},
	{"a command is cut off in the middle",
		`"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 100}`},
	{"answers are slow",
		`"type": "latency", "stream": "downstream", "attributes": {"latency": 100}`},
	{"commands arrive in small pieces",
		`"type": "slicer", "stream": "upstream",
		"attributes": {"average_size": 50, "size_variation": 20, "delay": 100}`},
}

// disturb adds random faults to the proxy's connections, one after the other, with pauses of up to
// maxPause. It does so until stop is called or the test ends.
func disturb(t *testing.T, proxy *toxiproxy.Proxy, seed uint64,
	maxPause time.Duration) (stop func()) {
	const name = "fault"
	rng := rand.New(rand.NewPCG(seed, 0))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			fault := faults[rng.IntN(len(faults))]
			pause(ctx, time.Duration(rng.Int64N(int64(maxPause))))
			toxic := strings.NewReader(fmt.Sprintf(`{"name": %q, %s}`, name, fault.toxic))
			if _, err := proxy.Toxics.AddToxicJson(toxic); err != nil {
				t.Errorf("add the fault %q: %v", fault.effect, err)
				return
			}
			pause(ctx, time.Duration(rng.IntN(50))*time.Millisecond)
			if err := proxy.Toxics.RemoveToxic(context.Background(), name); err != nil {
				t.Errorf("remove the fault %q: %v", fault.effect, err)
				return
			}
		}
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return stop
}

// pause waits for a time, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
