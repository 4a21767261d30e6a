package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	logger "log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"simpleapp/internal/certificate"
	"simpleapp/internal/database"
	"simpleapp/internal/food"
	"simpleapp/internal/visits"
	"simpleapp/internal/web"
)

// shutdownTime is the timeout of the shutdown after SHUTDOWN_DELAY: requests in flight must end,
// and the visits in memory must be counted.
const shutdownTime = 10 * time.Second

// serve serves the site until ctx ends. It then shuts down: it finishes the requests in flight, and
// stores every visit and submission that it has accepted.
func serve(ctx context.Context, i invocation) error {
	if len(i.args) > 0 {
		return errUsage
	}
	cfg, log, err := i.configure()
	if err != nil {
		return err
	}
	public, err := listen("ADDR", cfg.Addr)
	if err != nil {
		return err
	}
	defer public.Close()
	private, err := listen("ADMIN_ADDR", cfg.AdminAddr)
	if err != nil {
		return err
	}
	defer private.Close()
	var secure net.Listener
	if cfg.domains != nil {
		if secure, err = listen("HTTPS_ADDR", cfg.HTTPSAddr); err != nil {
			return err
		}
		defer secure.Close()
	}

	metrics := web.NewMetrics()
	counter, err := openVisits(cfg, log, metrics)
	if err != nil {
		return err
	}
	db, err := openDatabase(cfg, cfg.mysql())
	if err != nil {
		return errors.Join(err, counter.Close(ctx))
	}
	counts, err := openTally(ctx, cfg, db, log)
	if err != nil {
		return errors.Join(err, counter.Close(ctx), db.Close())
	}
	submissions := food.New(db, metrics.ObserveSubmissions)
	closeDatabase := func(ctx context.Context) error {
		err := submissions.Close(ctx)
		counts.Close()
		return errors.Join(err, db.Close())
	}
	var keeper *certificate.Keeper
	if cfg.domains != nil {
		keeper = certificate.New(cfg.certificate(), db, log)
		metrics.WatchCertificate(keeper.Expiry)
	}
	site, err := web.New(web.Config{Visits: counter, Submissions: submissions, Tally: counts,
		Metrics: metrics, Log: log, Instance: cfg.Instance, Version: version,
		Location: cfg.location, Certificate: keeper})
	if err != nil {
		return errors.Join(err, counter.Close(ctx), closeDatabase(ctx))
	}
	health := &health{dependencies: []*dependency{
		{name: "database", hint: database.Hint, ping: func(ctx context.Context) error {
			if err := submissions.Ping(ctx); err != nil {
				return err
			}
			if err := counts.Ping(ctx); err != nil {
				return err
			}
			// Remember is here because it, too, has to succeed before the program is healthy, and
			// then once a second.
			return counter.Remember(ctx, db)
		}},
		{name: "cache", ping: counter.Ping, hint: visits.Hint},
	}}
	admin := newServer(web.NewAdmin(health.healthy, health.ready, metrics), log)
	admin.WriteTimeout = 0 // a request for a profile names its duration
	server := newServer(site, log)

	failed := make(chan error, 3)
	connections := web.NewConnections(log, metrics)
	public = connections.LimitListener(server, public)
	stopKeeper := func() {}
	if keeper != nil {
		server.TLSConfig = &tls.Config{GetCertificate: keeper.GetCertificate}
		secure = connections.LimitListener(server, secure)
		go func() { failed <- server.ServeTLS(secure, "", "") }()
		stopKeeper = keeper.Start()
	}
	go func() { failed <- server.Serve(public) }()
	go func() { failed <- admin.Serve(private) }()
	addresses := []any{"addr", public.Addr().String(), "admin_addr", private.Addr().String()}
	if secure != nil {
		addresses = append(addresses, "https_addr", secure.Addr().String())
	}
	log.With(addresses...).Info("serving", "version", version, "instance", cfg.Instance)
	stopWatching := health.watch(log, metrics)

	select {
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		// Load balancers and clients get time to use another instance. Then the listener closes.
		log.Info("stopping", "delay", cfg.ShutdownDelay.String())
		health.leaving.Store(true)
		site.Leave()
		time.Sleep(cfg.ShutdownDelay)
	}
	stopWatching()
	stopKeeper()
	stopCtx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	err = errors.Join(err,
		wrap("finish requests", server.Shutdown(stopCtx)),
		wrap("count kept visits", counter.Close(stopCtx)),
		wrap("store submissions", closeDatabase(stopCtx)),
		admin.Close())
	log.Info("stopped")
	return err
}

func listen(variable, addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	return listener, wrap(variable, err)
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
	protocols.SetHTTP1(true) // alone: see web.Connections
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		// Load balancers keep idle connections for 60 s. If IdleTimeout were shorter, they could
		// send a request on a connection that this server is closing.
		IdleTimeout:    90 * time.Second,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       logger.New(serverLog{log}, "", 0),
		Protocols:      protocols,
	}
}

// A serverLog logs what net/http reports. Anybody can make a TLS handshake fail, so these lines are
// for debugging.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.Contains(line, []byte("TLS handshake error")) {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, strings.TrimSpace(string(line)))
	return len(line), nil
}
