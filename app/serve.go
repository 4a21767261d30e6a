package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"simpleapp/internal/web"
)

// The timeouts of the steps of a shutdown, after SHUTDOWN_DELAY. In arriveTime, the last requests
// arrive on the connections that are already accepted. In finishTime, the requests in flight end.
// In storeTime, the visits and submissions in memory are stored. The last two are separate, so that
// a client that sends its form slowly can't use up storeTime.
const (
	arriveTime = time.Second // or SHUTDOWN_DELAY, if that is shorter: its default is 0
	finishTime = 6 * time.Second
	storeTime  = 4 * time.Second
)

// serve serves the site until ctx ends. It then shuts down: it finishes the requests in flight, and
// stores every visit and submission that it has accepted, or returns an error.
func serve(ctx context.Context, i invocation) error {
	// If the reader of the log has ended, writing to the log would end the program.
	signal.Ignore(syscall.SIGPIPE)
	cfg, log, err := i.configure()
	if err != nil {
		return err
	}
	ports, err := openPorts(cfg)
	if err != nil {
		return err
	}
	defer ports.close()
	site, err := openSite(ctx, cfg, log)
	if err != nil && ctx.Err() != nil {
		return nil // it was told to stop before it served
	}
	if err != nil {
		return err
	}

	admin := newServer(web.NewAdmin(site.health.healthy, site.health.ready, site.metrics), log)
	server := newServer(site.handler, log)
	server.TLSConfig = site.tlsConfig()
	connections := web.NewConnections(log, site.metrics)
	connections.Watch(server)
	failed := make(chan error, 4)
	var accepting sync.WaitGroup
	stopKeeper := func() {}
	if site.keeper != nil {
		accepting.Go(func() { failed <- server.ServeTLS(connections.Limit(ports.https), "", "") })
		stopKeeper = site.keeper.Start()
	}
	accepting.Go(func() { failed <- server.Serve(connections.Limit(ports.http)) })
	go func() { failed <- admin.Serve(ports.admin) }()
	log.With(ports.addresses()...).Info("serving", "version", version, "instance", cfg.Instance)
	stopWatching := site.health.watch(log, site.metrics)
	if cfg.ListedAs != "" {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			if err := site.health.awaitUnlisted(ctx, cfg.ListedAs, unlistedTime); err != nil {
				failed <- err
			}
		}()
	}

	select {
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		// Load balancers and clients get time to use another replica. Then the listeners close. The
		// connections stay open for longer, because Shutdown drops a request whose header has not
		// arrived yet.
		log.Info("stopping", "delay", cfg.ShutdownDelay.String())
		site.health.leaving.Store(true)
		site.handler.Leave()
		time.Sleep(cfg.ShutdownDelay)
		closeAll(ports.http, ports.https)
		accepting.Wait() // or Shutdown would return the error of closing them again
		time.Sleep(min(arriveTime, cfg.ShutdownDelay))
	}
	stopWatching()
	stopKeeper()
	finish, cancel := context.WithTimeout(context.Background(), finishTime)
	defer cancel()
	err = errors.Join(err, wrap("finish requests", server.Shutdown(finish)))
	store, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	err = errors.Join(err, site.close(store), admin.Close())
	log.Info("stopped")
	return err
}

// ports are the listeners of the program.
type ports struct {
	http, admin net.Listener
	https       net.Listener // nil if the site is on plain http
}

func openPorts(cfg config) (p ports, err error) {
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.http, err = listen("ADDR", cfg.Addr, ":8081"); err != nil {
		return p, err
	}
	if p.admin, err = listen("ADMIN_ADDR", cfg.AdminAddr, "127.0.0.1:9091"); err != nil {
		return p, err
	}
	if cfg.domains != nil {
		p.https, err = listen("HTTPS_ADDR", cfg.HTTPSAddr, ":8444")
	}
	return p, err
}

// listen listens on the address in a variable. example is an address that is probably free.
func listen(variable, addr, example string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: set %[1]s to a free address, such as %[3]s",
			variable, err, example)
	}
	return listener, nil
}

// addresses returns the addresses that the ports have, for the log.
func (p ports) addresses() []any {
	all := []any{"addr", p.http.Addr().String(), "admin_addr", p.admin.Addr().String()}
	if p.https != nil {
		all = append(all, "https_addr", p.https.Addr().String())
	}
	return all
}

func (p ports) close() { closeAll(p.http, p.admin, p.https) }

// closeAll closes the listeners that are not nil.
func closeAll(listeners ...net.Listener) {
	for _, listener := range listeners {
		if listener != nil {
			listener.Close()
		}
	}
}

// wrap adds what was being done to an error. It returns nil if err is nil.
func wrap(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // and no other: see web.Connections.Watch
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		// Load balancers keep idle connections for 60 s. If IdleTimeout were shorter, they could
		// send a request on a connection that this server is closing.
		IdleTimeout:    90 * time.Second,
		MaxHeaderBytes: 4 << 10, // net/http adds 4 KB, or 8 KB on a kept connection
		ErrorLog:       stdlog.New(serverLog{log}, "", 0),
		Protocols:      protocols,
	}
}

// A serverLog logs what net/http reports. Anybody can make a TLS handshake fail, so it logs failed
// handshakes at debug level.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.Contains(line, []byte("TLS handshake error")) {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, strings.TrimSpace(string(line)))
	return len(line), nil
}
