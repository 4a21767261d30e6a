package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"

	"simpleapp/internal/database"
	"simpleapp/internal/tally"
)

// migrate changes the database's schema to that of this version, counts the submissions that older
// versions did not count, and prints what it did. SQLite files also get the schema of this version
// whenever the program opens them.
func migrate(ctx context.Context, i invocation) error {
	err := i.parse(new(flag.FlagSet), 0,
		"Brings the schema up to date, and counts what older versions did not count.")
	if err != nil {
		return err
	}
	cfg, log, err := i.configure()
	if err != nil {
		return err
	}
	if cfg.MySQLAddr == "" {
		return migrateFile(ctx, cfg, i, log)
	}
	db, applied, err := database.MigrateMySQL(ctx, cfg.mysqlOnce())
	for _, name := range applied {
		fmt.Fprintln(i.stdout, "applied", name)
	}
	if err != nil {
		return fmt.Errorf("migrate %s: %w", cfg.MySQLDatabase, err)
	}
	counts := tally.New(db, log)
	done, err := counts.Upgrade(ctx)
	counts.Close()
	err = errors.Join(err, db.Close())
	if done.Counted > 0 {
		fmt.Fprintf(i.stdout, "counted %d submissions for the results\n", done.Counted)
	}
	if done.Merged > 0 {
		fmt.Fprintf(i.stdout, "merged %d spellings of foods in the results\n", done.Merged)
	}
	if err != nil {
		return fmt.Errorf("migrate %s: %w", cfg.MySQLDatabase, err)
	}
	if applied == nil {
		fmt.Fprintln(i.stdout, "the schema is up to date")
	}
	return nil
}

func migrateFile(ctx context.Context, cfg config, i invocation, log *slog.Logger) error {
	db, err := openDatabase(cfg, cfg.mysqlOnce())
	if err != nil {
		return err
	}
	counts, err := openTally(ctx, cfg, db, log)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	counts.Close()
	fmt.Fprintln(i.stdout, "the database in DATA_DIR is up to date")
	return db.Close()
}
