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

// startProxy starts a proxy before a server; it ends with the test.
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

// troubles are what disturb does to connections. Downstream is what the server answers.
var troubles = []string{
	`"type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 0}`,                                     // answers lost, connection reset
	`"type": "reset_peer", "stream": "upstream", "attributes": {"timeout": 0}`,                                       // commands lost
	`"type": "timeout", "stream": "downstream", "attributes": {"timeout": 20}`,                                       // answers vanish, then it ends
	`"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}`,                                        // half-closed: answers vanish
	`"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 7}`,                                       // cut in the middle of an answer
	`"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 100}`,                                       // cut in the middle of a command
	`"type": "latency", "stream": "downstream", "attributes": {"latency": 100}`,                                      // slow
	`"type": "slicer", "stream": "upstream", "attributes": {"average_size": 50, "size_variation": 20, "delay": 100}`, // crumbs
}

// disturb makes what goes through the proxy fail at random, with pauses up to calm, until the function
// it returns is called.
func disturb(t *testing.T, proxy *toxiproxy.Proxy, seed uint64, calm time.Duration) (stop func()) {
	rng := rand.New(rand.NewPCG(seed, 0))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			trouble := troubles[rng.IntN(len(troubles))]
			pause(ctx, time.Duration(rng.Int64N(int64(calm))))
			_, err := proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"name": "trouble", %s}`, trouble)))
			if err != nil {
				t.Errorf("add %s: %v", trouble, err)
				return
			}
			pause(ctx, time.Duration(rng.IntN(50))*time.Millisecond)
			if err := proxy.Toxics.RemoveToxic(context.Background(), "trouble"); err != nil {
				t.Errorf("remove %s: %v", trouble, err)
				return
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
