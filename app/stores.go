package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"simpleapp/internal/food"
	"simpleapp/internal/visits"
	"simpleapp/internal/web"
)

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

func dataFile(cfg config, name string) (string, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return "", fmt.Errorf("DATA_DIR: %w", err)
	}
	return filepath.Join(cfg.DataDir, name), nil
}
