// Command simpleapp serves SimpleApp: a home page that counts its visits, a form that stores
// favourite foods, and a page of what was stored.
//
//	usage: simpleapp [healthcheck | version | migrate | export [--format csv|json] [--bom]]
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"

	"simpleapp/internal/food"
	"simpleapp/internal/visits"
	"simpleapp/internal/web"
)

// version is stamped by the build.
var version = "dev"

func main() {
	// Little lives long here: collecting less often costs some 10 MB and saves a tenth of the work.
	// Under a crowd memory matters more. GOGC and GOMEMLIMIT stand above both.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(96 << 20)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:], env.ToMap(os.Environ()), os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "simpleapp:", err)
		os.Exit(1)
	}
}

// run is the whole program. It returns once ctx has ended and all that was accepted is done.
func run(ctx context.Context, args []string, environ map[string]string, stdout, stderr io.Writer) error {
	cfg, err := loadConfig(environ)
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch {
	case command == "version" && len(args) == 0:
		_, err := fmt.Fprintln(stdout, version)
		return err
	case command == "healthcheck" && len(args) == 0:
		return healthcheck(cfg.AdminAddr)
	case command != "export" && len(args) > 0, !slices.Contains([]string{"", "export", "migrate"}, command):
		return errUsage
	case err != nil:
		return err
	}
	log := newLogger(stderr, cfg.LogLevel)
	switch command {
	case "export":
		return export(ctx, cfg, log, args, stdout)
	case "migrate":
		return migrate(ctx, cfg, log, stdout)
	}
	return serve(ctx, cfg, log)
}

var errUsage = errors.New("usage: simpleapp [healthcheck | version | migrate | export [--format csv|json] [--bom]]")

// newLogger writes text for people at a terminal and JSON for machines.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return slog.New(slog.NewTextHandler(w, options))
		}
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// shutdownTime is how long requests in flight and kept visits may take after SHUTDOWN_DELAY.
const shutdownTime = 10 * time.Second

func serve(ctx context.Context, cfg config, log *slog.Logger) error {
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
	instance, err := os.Hostname()
	if err != nil {
		return err
	}

	metrics := web.NewMetrics()
	counter, err := openVisits(cfg, log, metrics)
	if err != nil {
		return err
	}
	store, err := openFood(cfg, log, metrics)
	if err != nil {
		return errors.Join(err, counter.Close(ctx))
	}
	site, err := web.New(web.Config{Visits: counter, Food: store, Metrics: metrics, Log: log,
		Instance: instance, Version: version, Location: cfg.location})
	if err != nil {
		return errors.Join(err, counter.Close(ctx), store.Close(ctx))
	}
	health := &health{dependencies: []*dependency{
		{name: "database", ping: store.Ping},
		{name: "cache", ping: counter.Ping},
	}}
	admin := newServer(web.NewAdmin(health.healthy, health.ready, metrics), log)
	admin.WriteTimeout = 0 // a profile takes as long as it was asked for
	server := newServer(site, log)

	failed := make(chan error, 2)
	connections := web.NewConnections(log, metrics)
	go func() { failed <- server.Serve(connections.Bound(server, public)) }()
	go func() { failed <- admin.Serve(private) }()
	log.Info("serving", "addr", public.Addr().String(), "admin_addr", private.Addr().String(),
		"version", version, "instance", instance)
	stopWatching := health.watch(log, metrics)

	select {
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		// Balancers and clients turn away first, then the listener closes.
		log.Info("stopping", "delay", cfg.ShutdownDelay.String())
		health.leaving.Store(true)
		site.Leave()
		time.Sleep(cfg.ShutdownDelay)
	}
	stopWatching()
	stopCtx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	err = errors.Join(err,
		wrap("finish requests", server.Shutdown(stopCtx)),
		wrap("count kept visits", counter.Close(stopCtx)),
		wrap("store submissions", store.Close(stopCtx)),
		admin.Close())
	log.Info("stopped")
	return err
}

func listen(variable, addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	return listener, wrap(variable, err)
}

func wrap(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		// Balancers keep idle connections for 60 s. If this were shorter, they would now and then send a
		// request on a connection that was just closed.
		IdleTimeout:    90 * time.Second,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// openVisits opens the counter: Redis where it is configured, else a file in DATA_DIR.
func openVisits(cfg config, log *slog.Logger, metrics *web.Metrics) (*visits.Counter, error) {
	if cfg.RedisAddr != "" {
		return visits.OpenRedis(visits.RedisConfig{Addr: cfg.RedisAddr, Password: cfg.RedisPassword.read}, log, metrics.ObserveVisits), nil
	}
	file, err := dataFile(cfg, "visits.db")
	if err != nil {
		return nil, err
	}
	counter, err := visits.OpenSQLite(file, log, metrics.ObserveVisits)
	return counter, wrap("DATA_DIR", err)
}

// openFood opens the submissions: MySQL where it is configured, else a file in DATA_DIR.
func openFood(cfg config, log *slog.Logger, metrics *web.Metrics) (*food.Store, error) {
	if cfg.MySQLAddr != "" {
		return food.OpenMySQL(food.MySQLConfig{Addr: cfg.MySQLAddr, Database: cfg.MySQLDatabase,
			User: cfg.MySQLUser, Password: cfg.MySQLPassword.read}, log, metrics.ObserveSubmissions)
	}
	file, err := dataFile(cfg, "submissions.db")
	if err != nil {
		return nil, err
	}
	store, err := food.OpenSQLite(file, log, metrics.ObserveSubmissions)
	return store, wrap("DATA_DIR", err)
}

// migrate brings the database up to what this version needs, and says what it did. The embedded one is
// brought up to date whenever it is opened.
func migrate(ctx context.Context, cfg config, log *slog.Logger, stdout io.Writer) error {
	if cfg.MySQLAddr == "" {
		store, err := openFood(cfg, log, web.NewMetrics())
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, "the database in DATA_DIR is up to date")
		return store.Close(ctx)
	}
	done, err := food.MigrateMySQL(ctx, food.MySQLConfig{Addr: cfg.MySQLAddr, Database: cfg.MySQLDatabase,
		// As it was read at the start: standard input, for one, can be read only once.
		User: cfg.MySQLUser, Password: func() (string, error) { return cfg.mysqlPassword, nil }}, log)
	for _, name := range done.Applied {
		fmt.Fprintln(stdout, "applied", name)
	}
	if done.Counted > 0 {
		fmt.Fprintf(stdout, "counted %d submissions for the results\n", done.Counted)
	}
	if done.Merged > 0 {
		fmt.Fprintf(stdout, "merged %d spellings of foods in the results\n", done.Merged)
	}
	if err != nil {
		return fmt.Errorf("migrate %s: %w", cfg.MySQLDatabase, err)
	}
	if done.Applied == nil {
		fmt.Fprintln(stdout, "the schema is up to date")
	}
	return nil
}

func dataFile(cfg config, name string) (string, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return "", fmt.Errorf("DATA_DIR: %w", err)
	}
	return filepath.Join(cfg.DataDir, name), nil
}
