package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"

	"simpleapp/internal/web"
)

// A dependency is a store that the program can start without, but not be ready without.
type dependency struct {
	name string // in logs and metrics
	ping func(context.Context) error

	up       atomic.Bool // it answered when it was last asked
	answered atomic.Bool // it has answered once
}

// watch asks the dependency until ctx ends: often while it is down, each second while it is up.
// It tells the operator when that changes, and again when the reason changes.
func (d *dependency) watch(ctx context.Context, log *slog.Logger, metrics *web.Metrics) {
	var reason string
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
			if wait = min(2*wait, time.Second); wasUp || err.Error() != reason {
				reason = err.Error()
				log.Error(d.name+" is unavailable", "err", err, "hint", hint(err))
			}
		} else {
			if wait, reason = time.Second, ""; !wasUp {
				d.answered.Store(true)
				log.Info(d.name + " connected")
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// hint tells the operator what to do about an error that has a usual cause.
func hint(err error) string {
	var reply *mysql.MySQLError
	switch {
	case errors.As(err, &reply) && reply.Number == 1045: // access denied
		return "the password in MYSQL_PASSWORD_FILE is not the one this database has: a volume keeps the password it was created with"
	case errors.As(err, &reply) && slices.Contains([]uint16{1054, 1142, 1146}, reply.Number): // no such column, denied, no such table
		return "the database's schema is older than this program, or was never loaded: make migrate, or simpleapp migrate, brings it up to date"
	case strings.HasPrefix(err.Error(), "WRONGPASS"):
		return "the password in REDIS_PASSWORD_FILE is not the one this server was started with"
	}
	return "it will be tried again until it answers"
}

// health answers the admin listener's probes.
type health struct {
	dependencies []*dependency
	leaving      atomic.Bool
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

// ready: both stores answer, and the program isn't leaving.
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

// healthy: both stores have answered once. From then on the process serves whatever they do, and
// restarting it would not bring them back.
func (h *health) healthy() error {
	for _, d := range h.dependencies {
		if !d.answered.Load() {
			return fmt.Errorf("%s has not answered yet", d.name)
		}
	}
	return nil
}

// healthcheck asks a running program at its admin address whether it is healthy.
func healthcheck(adminAddr string) error {
	host, port, err := net.SplitHostPort(adminAddr)
	if err != nil {
		return fmt.Errorf("ADMIN_ADDR: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	client := &http.Client{Timeout: 2 * time.Second}
	resp, err := client.Get("http://" + net.JoinHostPort(host, port) + "/healthz")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
		return fmt.Errorf("not healthy: %s", strings.TrimSpace(string(reason)))
	}
	return nil
}
