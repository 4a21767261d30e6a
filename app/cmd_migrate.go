package main

import (
	"context"
	"fmt"

	"simpleapp/internal/food"
	"simpleapp/internal/web"
)

// migrate brings the database up to what this version needs, and says what it did. The embedded
// database is brought up to date whenever it is opened.
func migrate(ctx context.Context, i invocation) error {
	if len(i.args) > 0 {
		return errUsage
	}
	cfg, log, err := i.configure()
	if err != nil {
		return err
	}
	if cfg.MySQLAddr == "" {
		store, err := openFood(cfg, log, web.NewMetrics())
		if err != nil {
			return err
		}
		fmt.Fprintln(i.stdout, "the database in DATA_DIR is up to date")
		return store.Close(ctx)
	}
	done, err := food.MigrateMySQL(ctx, food.MySQLConfig{Addr: cfg.MySQLAddr, Database: cfg.MySQLDatabase,
		// The password was read at the start: standard input, for one, can be read only once.
		User: cfg.MySQLUser, Password: func() (string, error) { return cfg.mysqlPassword, nil }}, log)
	for _, name := range done.Applied {
		fmt.Fprintln(i.stdout, "applied", name)
	}
	if done.Counted > 0 {
		fmt.Fprintf(i.stdout, "counted %d submissions for the results\n", done.Counted)
	}
	if done.Merged > 0 {
		fmt.Fprintf(i.stdout, "merged %d spellings of foods in the results\n", done.Merged)
	}
	if err != nil {
		return fmt.Errorf("migrate %s: %w", cfg.MySQLDatabase, err)
	}
	if done.Applied == nil {
		fmt.Fprintln(i.stdout, "the schema is up to date")
	}
	return nil
}
