package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"simpleapp/internal/food"
	"simpleapp/internal/web"
)

// export writes every submission to stdout, oldest first, as it reads them: memory stays constant.
func export(ctx context.Context, cfg config, log *slog.Logger, args []string, stdout io.Writer) (err error) {
	flags := flag.NewFlagSet("export", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	format := flags.String("format", "csv", "csv or json")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errUsage
	}
	store, err := openFood(cfg, log, web.NewMetrics())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(ctx)) }()

	out := bufio.NewWriter(stdout)
	switch *format {
	case "csv":
		err = exportCSV(ctx, store, out)
	case "json":
		err = exportJSON(ctx, store, out)
	default:
		return fmt.Errorf("--format: %q is neither csv nor json", *format)
	}
	return errors.Join(err, out.Flush())
}

func exportCSV(ctx context.Context, store *food.Store, out io.Writer) error {
	w := csv.NewWriter(out)
	if err := w.Write([]string{"id", "first_name", "last_name", "favourite_food", "country", "added_at"}); err != nil {
		return err
	}
	err := store.Each(ctx, func(r food.Record) error {
		return w.Write([]string{strconv.FormatInt(r.ID, 10), cell(r.FirstName), cell(r.LastName), cell(r.FavouriteFood),
			r.Country, r.AddedAt.Format(time.RFC3339Nano)})
	})
	w.Flush()
	return errors.Join(err, w.Error())
}

// cell puts an apostrophe before what a spreadsheet would run as a formula
// (https://owasp.org/www-community/attacks/CSV_Injection).
func cell(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + text
	}
	return text
}

func exportJSON(ctx context.Context, store *food.Store, out io.Writer) error {
	before := "[\n" // each row
	err := store.Each(ctx, func(r food.Record) error {
		row, err := json.Marshal(struct {
			ID            int64     `json:"id"`
			FirstName     string    `json:"first_name"`
			LastName      string    `json:"last_name"`
			FavouriteFood string    `json:"favourite_food"`
			Country       string    `json:"country"`
			AddedAt       time.Time `json:"added_at"`
		}{r.ID, r.FirstName, r.LastName, r.FavouriteFood, r.Country, r.AddedAt})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s%s", before, row)
		before = ",\n"
		return err
	})
	if err != nil {
		return err // what was written is no valid JSON, so nobody takes it for the whole
	}
	if before == "[\n" {
		_, err = io.WriteString(out, "[]\n")
	} else {
		_, err = io.WriteString(out, "\n]\n")
	}
	return err
}
