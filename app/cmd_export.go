package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"

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
	stepAside()
	db, err := openExisting(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var total *int64
	if *withTotal {
		err := withVisits(ctx, cfg, log, func(counter *visits.Counter) error {
			n, err := counter.Total()
			total = &n
			return err
		})
		if err != nil {
			return fmt.Errorf("--visits: %w", err)
		}
	}
	submissions := food.New(db, func(int, int) {})

	out := bufio.NewWriter(i.stdout)
	if *format == "json" {
		err = exportJSON(ctx, submissions, out, total)
	} else {
		err = exportCSV(ctx, submissions, out, *bom)
	}
	return errors.Join(err, out.Flush())
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
