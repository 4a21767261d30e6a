package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"syscall"

	"simpleapp/internal/database"
	"simpleapp/internal/food"
	"simpleapp/internal/records"
	"simpleapp/internal/tally"
	"simpleapp/internal/visits"
)

// importRecords reads a file from standard input, stores the submissions in it, and adds the visits
// in it to those of the site.
func importRecords(ctx context.Context, i invocation) (err error) {
	// If nobody reads its output, the import must not end between submissions and visits.
	signal.Ignore(syscall.SIGPIPE)
	var flags flag.FlagSet
	merge := flags.Bool("merge", false, "import into a site that has submissions: "+
		"those whose tokens are stored already are skipped")
	only := flags.String("only", "", "import only the `submissions`, or only the visits")
	err = i.parse(&flags, 0, fmt.Sprintf(
		"Reads JSON or CSV as export writes it, or an old backup, from standard input.\n"+
			"Stores a file completely or not at all if it has fewer than %d submissions, or\n"+
			"no tokens. Stores any other file in parts of %[1]d: after an error it says how\n"+
			"many are stored.\n"+
			"Then it adds the visits to the site's.\n"+
			"It notices JSON that was cut off, but not CSV that was cut off between two rows.",
		food.RowsPerPart))
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
	i.stepAside()
	file, err := records.NewReader(until(ctx, i.stdin))
	if err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	if *only == "visits" && file.Visits == nil {
		return errors.New("nothing was imported: the file has no visits")
	}
	db, err := openDatabase(cfg, cfg.mysqlOnce())
	if err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	addVisits := file.Visits != nil && *only != "submissions"
	if addVisits { // ask the store first, so that nothing is imported if the visits can't be added
		err := withVisits(ctx, cfg, log, db, func(counter *visits.Counter) error {
			return checkVisits(ctx, counter, *file.Visits)
		})
		if err != nil {
			return fmt.Errorf("nothing was imported: visits: %w", err)
		}
	}
	if *only == "visits" {
		if err := readAll(file); err != nil {
			return err
		}
	} else {
		done, err := i.importSubmissions(ctx, db, log, file.Next, *merge)
		if err != nil {
			return importError(err, done)
		}
	}
	if !addVisits {
		return nil
	}
	err = withVisits(ctx, cfg, log, db, func(counter *visits.Counter) error {
		counter.Add(*file.Visits)
		return nil
	})
	if err != nil {
		return fmt.Errorf("the visits were not confirmed: if the site does not show them, "+
			"repeat this with --only visits: %w", err)
	}
	// An error of this print is dropped: if import failed, the operator would add the visits again.
	fmt.Fprintf(i.stdout, "imported %d visits\n", *file.Visits)
	return nil
}

// checkVisits returns an error unless n visits can be added to those of the site.
func checkVisits(ctx context.Context, counter *visits.Counter, n int64) error {
	if err := counter.CanCount(ctx); err != nil {
		return withHint(err, visits.Hint)
	}
	total, err := counter.Total()
	if err == nil && n > visits.MaxImport-total {
		err = fmt.Errorf("the file has %d and the site %d, and the sum may be %d at most: "+
			"leave them out with --only submissions", n, total, visits.MaxImport)
	}
	return err
}

// until returns a reader that reads from in, and fails once ctx has ended. A Read of a terminal or
// a pipe can't be interrupted, so a goroutine reads, and the process ends without it.
func until(ctx context.Context, in io.Reader) io.Reader {
	out, pipe := io.Pipe()
	go func() {
		_, err := io.Copy(pipe, in)
		pipe.CloseWithError(err) // without an error, this is the end of the file
	}()
	context.AfterFunc(ctx, func() { pipe.CloseWithError(context.Cause(ctx)) })
	return out
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

// importError says what is stored after an error of importSubmissions, and what to do.
func importError(err error, done food.Imported) error {
	switch {
	case errors.Is(err, database.ErrUnknown):
		return fmt.Errorf("%d submissions are stored; the database did not confirm the next "+
			"ones, and no visits were added: repeat this with --merge (without tokens, first see "+
			"whether the site has the submissions): %w", done.Stored, err)
	case done.Stored > 0:
		return fmt.Errorf("%w: %d submissions are stored, and no visits were added: "+
			"put that right, then repeat this with --merge to store the rest", err, done.Stored)
	case errors.Is(err, food.ErrNotEmpty):
		return fmt.Errorf("nothing was imported: %w: add to them with --merge", err)
	}
	return fmt.Errorf("nothing was imported: %w", err)
}

// importSubmissions stores and counts submissions, and prints what it did. Its results are those of
// Submissions.Import.
func (i invocation) importSubmissions(ctx context.Context, db *database.DB, log *slog.Logger,
	next func() (food.Submission, error), merge bool) (done food.Imported, err error) {
	submissions := food.New(db, func(int, int) {})
	onTerminal, shown := isTerminal(i.stderr), false
	progress := func(done food.Imported) {
		if onTerminal {
			fmt.Fprintf(i.stderr, "\r%d submissions", done.Stored+done.Present)
			shown = true
		}
	}
	done, err = submissions.Import(ctx, merge, next, progress)
	if shown {
		fmt.Fprintln(i.stderr) // ends the line of the progress
	}
	if err != nil {
		return done, err
	}
	// If this fails, the program that serves folds in a second.
	if err := tally.New(db).Fold(ctx); err != nil {
		log.Warn("the results are not up to date yet", "err", err)
	}
	fmt.Fprintf(i.stdout, "stored %d submissions, each read back and compared\n", done.Stored)
	if done.Present > 0 {
		fmt.Fprintf(i.stdout, "skipped %d that were stored before\n", done.Present)
	}
	return done, nil
}
