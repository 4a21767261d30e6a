package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"simpleapp/internal/database"
	"simpleapp/internal/web"
)

// A dependency is a store. The program is not ready while it can't use it.
type dependency struct {
	name string                      // in logs and metrics
	at   string                      // the address of the server, or the file
	ping func(context.Context) error // returns an error unless the program can read and write
	hint func(error) string          // what the operator can do about an error of ping, or ""

	up        atomic.Bool // the last ping succeeded
	succeeded atomic.Bool // a ping has succeeded
}

// watch pings the dependency until ctx ends, once a second. Until the first success the pauses are
// shorter: they begin with 100 ms and double. It logs when the dependency goes up or down, and each
// cause once in an outage.
func (d *dependency) watch(ctx context.Context, log *slog.Logger, metrics *web.Metrics) {
	log = log.With("at", d.at)
	logged := make(map[string]bool) // the causes in this outage
	for wait := 50 * time.Millisecond; ; {
		pingCtx, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := d.ping(pingCtx)
		cancel()
		if ctx.Err() != nil {
			return
		}
		wasUp := d.up.Swap(err == nil)
		metrics.SetDependency(d.name, err == nil)
		if err != nil {
			wait = min(2*wait, time.Second)
			if cause := causeOf(err); !logged[cause] {
				logged[cause] = true
				log.Error(d.name+" is unavailable", "err", err,
					"hint", cmp.Or(d.hint(err), "it is tried again until it works"))
			}
		} else {
			wait = time.Second
			clear(logged)
			if !wasUp {
				d.succeeded.Store(true)
				log.Info(d.name + " connected")
			}
		}
		if !database.Pause(ctx, wait) {
			return
		}
	}
}

// localPort matches the end of a connection's local address, as in "read tcp 10.0.0.2:41234->…".
var localPort = regexp.MustCompile(`:\d+->`)

// causeOf returns the part of an error that is equal for every ping while its cause lasts. Each
// connection has another local port, a server that hangs lets different steps time out, and the
// error of a certificate that has expired tells the time.
func causeOf(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "timeout"
	}
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) {
		return fmt.Sprint("invalid certificate: ", invalid.Reason)
	}
	return localPort.ReplaceAllString(err.Error(), "->")
}

// health answers the admin listener's probes.
type health struct {
	dependencies []*dependency
	leaving      atomic.Bool
	checked      atomic.Int64 // when healthy last returned nil, in Unix seconds
}

// watch watches every dependency until the returned function is called.
func (h *health) watch(log *slog.Logger, metrics *web.Metrics) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var watchers sync.WaitGroup
	for _, d := range h.dependencies {
		watchers.Go(func() { d.watch(ctx, log, metrics) })
	}
	return func() {
		cancel()
		watchers.Wait()
	}
}

// ready returns an error unless the program can use every store. After SIGTERM it always returns an
// error.
func (h *health) ready() error {
	if h.leaving.Load() {
		return errors.New("stopping")
	}
	for _, d := range h.dependencies {
		if !d.up.Load() {
			return fmt.Errorf("%s is unavailable", d.name)
		}
	}
	return nil
}

// healthy returns an error until the program could use every store once. After that it returns nil
// even if a store fails, because the program still serves, and a restart would not repair the
// store. awaitUnlisted needs the time of the latest success.
func (h *health) healthy() error {
	for _, d := range h.dependencies {
		if !d.succeeded.Load() {
			return fmt.Errorf("%s has not been available yet", d.name)
		}
	}
	h.checked.Store(time.Now().Unix())
	return nil
}
