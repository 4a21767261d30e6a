package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"simpleapp/internal/database"
	"simpleapp/internal/food"
	"simpleapp/internal/records"
	"simpleapp/internal/tally"
	"simpleapp/internal/visits"
)

// importRecords reads a file from standard input. It stores its submissions, and adds its visits to
// those of the site.
func importRecords(ctx context.Context, i invocation) error {
	var flags flag.FlagSet
	merge := flags.Bool("merge", false, "import into a site that has submissions: "+
		"those whose tokens are stored already are skipped")
	only := flags.String("only", "", "import only the `submissions`, or only the visits")
	err := i.parse(&flags, 0,
		"Reads JSON or CSV as export writes it, or an old backup, from standard input.\n"+
			"Stores all submissions, or none after an error; of more than 10,000 it says how\n"+
			"many are stored then. Adds the visits to the site's.\n"+
			"It notices JSON that was cut off, but not CSV that was cut off between two rows.")
	switch {
	case err != nil:
		return err
	case *only != "" && *only != "submissions" && *only != "visits":
		return fmt.Errorf("--only: %q is neither submissions nor visits", *only)
	}
	cfg, log, err := i.configure()
	if err != nil {
		return err
	}
	stepAside()
	file, err := records.NewReader(i.stdin)
	if err != nil {
		return err
	}
	if *only == "visits" && file.Visits == nil {
		return errors.New("nothing was imported: the file has no visits")
	}
	addVisits := file.Visits != nil && *only != "submissions"
	if addVisits { // a store that does not answer must be known before submissions are stored
		err := withVisits(ctx, cfg, log, func(*visits.Counter) error { return nil })
		if err != nil {
			return fmt.Errorf("nothing was imported: visits: %w", err)
		}
	}
	if *only == "visits" {
		err = readAll(file)
	} else {
		err = i.importSubmissions(ctx, cfg, log, file.Next, *merge)
	}
	if err != nil || !addVisits {
		return err
	}
	err = withVisits(ctx, cfg, log, func(counter *visits.Counter) error {
		counter.Add(*file.Visits)
		return nil
	})
	if err != nil {
		return fmt.Errorf("the visits were not confirmed: if the site does not show them, "+
			"repeat this with --only visits: %w", err)
	}
	_, err = fmt.Fprintf(i.stdout, "imported %d visits\n", *file.Visits)
	return err
}

// readAll reads the submissions and drops them. It returns an error if the file is incomplete. It
// reads to the end, because a program that writes the file into a pipe would fail otherwise.
func readAll(file *records.Reader) error {
	for {
		_, err := file.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("nothing was imported: %w", err)
		}
	}
}

// importSubmissions stores and counts submissions, and prints what it did.
func (i invocation) importSubmissions(ctx context.Context, cfg config, log *slog.Logger,
	next func() (food.Submission, error), merge bool) (err error) {
	db, err := openDatabase(cfg, cfg.mysqlOnce())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	submissions := food.New(db, func(int, int) {})
	progress := func(food.Imported) {}
	if isTerminal(i.stderr) {
		progress = func(done food.Imported) {
			fmt.Fprintf(i.stderr, "\r%d submissions", done.Stored+done.Present)
		}
		defer fmt.Fprintln(i.stderr)
	}
	done, err := submissions.Import(ctx, merge, next, progress)
	switch {
	case errors.Is(err, food.ErrNotEmpty):
		return fmt.Errorf("nothing was imported: %w: add to them with --merge", err)
	case errors.Is(err, database.ErrUnknown):
		return fmt.Errorf("the database did not confirm the submissions: see whether the site has "+
			"them; --merge stores nothing twice that has a token: %w", err)
	case err != nil && done.Stored > 0:
		return fmt.Errorf("%d submissions were stored before this error: --merge goes on with the "+
			"others of the file: %w", done.Stored, err)
	case err != nil:
		return fmt.Errorf("nothing was imported: %w", err)
	}
	counts := tally.New(db, log)
	defer counts.Close()
	if err := counts.Fold(ctx); err != nil { // the program that serves folds again in a second
		log.Warn("the results are not up to date yet", "err", err)
	}
	fmt.Fprintf(i.stdout, "stored %d submissions, each read back and compared\n", done.Stored)
	if merge {
		fmt.Fprintf(i.stdout, "%d were there already\n", done.Present)
	}
	return nil
}
