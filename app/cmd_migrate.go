package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"simpleapp/internal/database"
	"simpleapp/internal/tally"
)

// migrate changes the database's schema to that of this version, counts the submissions that older
// versions did not count, merges the spellings that older versions counted as different foods, and
// prints what it did. A SQLite file also gets the schema of this version whenever the program opens
// it. When this version serves the file for the first time, it merges the spellings, too. Only
// migrate merges those that an older version counts in the file after that.
func migrate(ctx context.Context, i invocation) error {
	err := i.parse(new(flag.FlagSet), 0,
		"Brings the schema up to date, and counts what older versions did not count.")
	if err != nil {
		return err
	}
	cfg, _, err := i.configure()
	if err != nil {
		return err
	}
	db, applied, err := openMigrated(ctx, cfg)
	for _, name := range applied {
		fmt.Fprintln(i.stdout, "applied", name)
	}
	if err != nil {
		return err
	}
	done, err := tally.New(db).Upgrade(ctx)
	err = errors.Join(err, db.Close())
	if done.Counted > 0 {
		fmt.Fprintf(i.stdout, "counted %d submissions for the results\n", done.Counted)
	}
	if done.Merged > 0 {
		fmt.Fprintf(i.stdout, "merged %d spellings of foods in the results\n", done.Merged)
	}
	if err != nil {
		return err
	}
	if applied == nil {
		fmt.Fprintln(i.stdout, "the schema is up to date")
	}
	return nil
}

// openMigrated opens the database with the schema of this version. It returns the names of the
// migrations that it applied to MySQL, also together with an error.
func openMigrated(ctx context.Context, cfg config) (_ *database.DB, applied []string, err error) {
	if cfg.MySQLAddrs != nil {
		return database.MigrateMySQL(ctx, cfg.mysqlOnce())
	}
	db, err := openDatabase(cfg, cfg.mysqlOnce()) // applies the migrations to the file
	return db, nil, err
}
