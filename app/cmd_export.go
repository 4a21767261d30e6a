package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"simpleapp/internal/database"
	"simpleapp/internal/food"
	"simpleapp/internal/records"
	"simpleapp/internal/visits"
)

// export writes every submission to standard output, oldest first. It writes while it reads, so
// that memory stays constant.
func export(ctx context.Context, i invocation) (err error) {
	var flags flag.FlagSet
	format := flags.String("format", "csv",
		"`csv` for spreadsheets, or json, which has everything that import needs")
	withTotal := flags.Bool("visits", false,
		"also write the number of visits: the JSON is an object then")
	bom := flags.Bool("bom", false,
		"begin the CSV with a byte order mark: some spreadsheets (Excel) need it\n"+
			"to show letters outside English")
	err = i.parse(&flags, 0, "Writes every submission to standard output.")
	switch {
	case err != nil:
		return err
	case *format != "csv" && *format != "json":
		return fmt.Errorf("--format: %q is neither csv nor json", *format)
	case *bom && *format == "json":
		return errors.New("--bom: JSON has no byte order mark: leave --bom out or use --format csv")
	case *withTotal && *format == "csv":
		return errors.New("--visits: CSV has no place for the visits: use --format json")
	}
	cfg, log, err := i.configure()
	if err != nil {
		return err
	}
	i.stepAside()
	db, err := openExisting(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var total *int64
	if *withTotal {
		n, err := totalVisits(ctx, cfg, log, db)
		if err != nil {
			return fmt.Errorf("--visits: %w", err)
		}
		total = &n
	}
	submissions := food.New(db, func(int, int) {})

	out := bufio.NewWriter(i.stdout)
	if *format == "json" {
		err = exportJSON(ctx, submissions, out, total)
	} else {
		err = exportCSV(ctx, submissions, out, *bom)
	}
	if err != nil { // without Flush, a command that could read nothing prints nothing
		return err
	}
	return out.Flush()
}

// totalVisits returns the number of visits so far. If the store of the visits does not tell it,
// totalVisits returns the number that the database remembers, because a backup of the submissions
// is needed most while Redis is lost. No visitor has seen a larger number, except in the last
// second before Redis was lost.
func totalVisits(
	ctx context.Context, cfg config, log *slog.Logger, db *database.DB,
) (total int64, err error) {
	err = withVisits(ctx, cfg, log, db, func(counter *visits.Counter) (err error) {
		total, err = counter.Total()
		return err
	})
	if err == nil {
		return total, nil
	}
	total, remembered := visits.Remembered(ctx, db)
	if remembered != nil {
		return 0, err
	}
	log.Warn("the number of visits is the one that the database remembers, because their store "+
		"does not tell it", "visits", total, "err", err)
	return total, nil
}

func exportCSV(ctx context.Context, submissions *food.Submissions, out io.Writer, bom bool) error {
	if bom {
		if _, err := io.WriteString(out, "\ufeff"); err != nil {
			return err
		}
	}
	writer, err := records.NewCSVWriter(out)
	if err != nil {
		return err
	}
	return submissions.Each(ctx, writer.Write)
}

func exportJSON(
	ctx context.Context, submissions *food.Submissions, out io.Writer, total *int64,
) error {
	writer, err := records.NewJSONWriter(out, total)
	if err != nil {
		return err
	}
	if err := submissions.Each(ctx, writer.Write); err != nil {
		return err
	}
	return writer.Close()
}

// stepAside spares the memory of the container, because operators run commands beside a program
// that serves there. If memory runs out all the same, Linux ends this process first.
func stepAside() {
	debug.SetGCPercent(100)
	debug.SetMemoryLimit(32 << 20)
	os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0o600)
}
