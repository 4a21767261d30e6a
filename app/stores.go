package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"simpleapp/internal/database"
	"simpleapp/internal/visits"
)

// The SQLite files in DATA_DIR.
const (
	submissionsFile = "submissions.db"
	visitsFile      = "visits.db"
)

// openVisits opens the counter of visits. Its store is Redis if REDIS_ADDR is set, else a SQLite
// file in DATA_DIR. observe is called with the size of each batch.
func openVisits(cfg config, log *slog.Logger, observe func(batch int)) (*visits.Counter, error) {
	if cfg.RedisAddr != "" {
		redis := visits.RedisConfig{Addr: cfg.RedisAddr, User: cfg.RedisUser,
			Password: cfg.RedisPassword.read, TLS: cfg.redisTLS}
		return visits.OpenRedis(redis, log, observe), nil
	}
	file, err := dataFile(cfg, visitsFile)
	if err != nil {
		return nil, err
	}
	counter, err := visits.OpenSQLite(file, log, observe)
	return counter, wrap("DATA_DIR", err)
}

// openDatabase opens the database of the submissions: MySQL if MYSQL_ADDR is set, else a SQLite
// file in DATA_DIR.
func openDatabase(cfg config, mysql database.MySQLConfig) (*database.DB, error) {
	if mysql.Addrs != nil {
		return database.OpenMySQL(mysql)
	}
	file, err := dataFile(cfg, submissionsFile)
	if err != nil {
		return nil, err
	}
	db, err := database.OpenSQLite(file)
	return db, wrap("DATA_DIR", err)
}

// openExisting opens the database for a command that only reads or removes. It makes no SQLite
// file: a mistyped DATA_DIR would look like a site without submissions.
func openExisting(cfg config) (*database.DB, error) {
	if cfg.MySQLAddrs == nil {
		_, err := os.Stat(filepath.Join(cfg.DataDir, submissionsFile))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("DATA_DIR: %s has no %s: "+
				"set DATA_DIR to the folder of the site", cfg.DataDir, submissionsFile)
		}
	}
	return openDatabase(cfg, cfg.mysqlOnce())
}

// mysql returns the configuration of MySQL for the program while it serves.
func (c config) mysql() database.MySQLConfig {
	return database.MySQLConfig{Addrs: c.MySQLAddrs, Database: c.MySQLDatabase,
		User: c.MySQLUser, Password: c.MySQLPassword.read, TLS: c.mysqlTLS}
}

// mysqlOnce returns the configuration of MySQL for a command. Its statements may take long. It uses
// the password that was read at the start, because mysql_db/administer passes the password on
// standard input, which can be read only once.
func (c config) mysqlOnce() database.MySQLConfig {
	once := c.mysql()
	once.Patient = true
	once.Password = func() (string, error) { return c.mysqlPassword, nil }
	return once
}

func dataFile(cfg config, name string) (string, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return "", fmt.Errorf("DATA_DIR: %w: set it to a folder that this user can write", err)
	}
	return filepath.Join(cfg.DataDir, name), nil
}

// withVisits opens the counter for a command, calls do, and closes the counter. It returns an error
// unless the store answers at the start and has confirmed the visits at the end. If the store has
// lost its data, the counter goes on from what the database remembers, as it does in the site.
func withVisits(
	ctx context.Context, cfg config, log *slog.Logger, db *database.DB,
	do func(*visits.Counter) error,
) error {
	counter, err := openVisits(cfg, log, func(int) {})
	if err != nil {
		return err
	}
	err = counter.Ping(ctx) // tells why the store does not answer, which Total does not
	if err != nil {
		err = withHint(err, visits.Hint)
	} else if err = counter.Remember(ctx, db); err == nil {
		err = do(counter)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	return errors.Join(err, counter.Close(ctx))
}
