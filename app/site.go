package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	vcs "github.com/prometheus/common/version"

	"simpleapp/internal/certificate"
	"simpleapp/internal/database"
	"simpleapp/internal/food"
	"simpleapp/internal/tally"
	"simpleapp/internal/visits"
	"simpleapp/internal/web"
)

// A site is the handler of the site, and what it needs.
type site struct {
	handler *web.Server
	metrics *web.Metrics
	health  *health
	keeper  *certificate.Keeper // of https, or nil if the site is on plain http
	closers []closer
}

// A closer first stores what a part of the site has in memory, until ctx ends. Then it closes the
// part.
type closer func(ctx context.Context) error

// openSite opens the stores, and returns the site. The caller must call close.
func openSite(ctx context.Context, cfg config, log *slog.Logger) (s *site, err error) {
	s = &site{metrics: web.NewMetrics()}
	s.metrics.RecordBuild(version, vcs.GetRevision())
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(ctx))
		}
	}()
	db, err := openDatabase(cfg, cfg.mysql())
	if err != nil {
		return s, err
	}
	s.onClose("close the database", func(context.Context) error { return db.Close() })
	counts := tally.New(db)
	if cfg.MySQLAddrs == nil { // `simpleapp migrate` upgrades the counts in MySQL
		if err := counts.UpgradeFile(ctx); err != nil {
			return s, fmt.Errorf("DATA_DIR: %w", err)
		}
	}
	stopFolding := counts.Start(log)
	s.onClose("stop counting", func(context.Context) error {
		stopFolding()
		return nil
	})
	counter, err := openVisits(cfg, log, s.metrics.ObserveVisits)
	if err != nil {
		return s, err
	}
	s.onClose("count the visits in memory", func(ctx context.Context) error {
		err := counter.Close(ctx)
		// Tell the database the total once more, because it does not know the visits of the last
		// second. Do this also if ctx has ended. An error is dropped: the total in the database is
		// needed only if the store loses its data.
		remember, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		counter.Remember(remember, db)
		return err
	})
	// Read the remembered total before the first visit. If the visits' store has lost its data, the
	// count then goes on from that total. An error is dropped: the program also starts without a
	// database, and the health check calls Remember again.
	remember, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	counter.Remember(remember, db)
	// close calls the closers in reverse, so it stores the submissions before the visits. Storing
	// the visits takes until ctx ends if their store does not answer.
	submissions := food.New(db, s.metrics.ObserveSubmissions)
	s.onClose("store submissions", submissions.Close)
	if cfg.domains != nil {
		s.keeper = certificate.New(cfg.certificate(), db, log)
		s.metrics.WatchCertificate(s.keeper.Expiry)
	}
	at := func(server, file string) string {
		return cmp.Or(server, filepath.Join(cfg.DataDir, file))
	}
	s.health = &health{dependencies: []*dependency{
		{name: "database", at: at(strings.Join(cfg.MySQLAddrs, ","), submissionsFile),
			hint: database.Hint, ping: func(ctx context.Context) error {
				if err := submissions.Ping(ctx); err != nil {
					return err
				}
				if err := counts.Ping(ctx); err != nil {
					return err
				}
				// The database is healthy only if it can also remember the number of visits.
				return counter.Remember(ctx, db)
			}},
		{name: "cache", at: at(cfg.RedisAddr, visitsFile), ping: counter.CanCount,
			hint: visits.Hint},
	}}
	s.handler, err = web.New(web.Config{Visits: counter, Submissions: submissions, Tally: counts,
		Metrics: s.metrics, Log: log, Instance: cfg.Instance, Version: version,
		Location: cfg.location, Certificate: s.keeper, HTTPSPort: cfg.HTTPSPort,
		Files: cfg.webFiles})
	return s, err
}

// tlsConfig returns the configuration of https, or nil if the site is on plain http.
func (s *site) tlsConfig() *tls.Config {
	if s.keeper == nil {
		return nil
	}
	return &tls.Config{GetCertificate: s.keeper.GetCertificate}
}

// onClose registers a closer. close calls first what was registered last. The errors name what the
// closer does.
func (s *site) onClose(does string, c closer) {
	s.closers = append(s.closers, func(ctx context.Context) error { return wrap(does, c(ctx)) })
}

// close stores every submission and visit that is in memory, and closes the stores. It gives up
// when ctx ends, but takes up to a second more to tell the database the number of visits.
func (s *site) close(ctx context.Context) (err error) {
	for _, c := range slices.Backward(s.closers) {
		err = errors.Join(err, c(ctx))
	}
	return err
}
