package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"simpleapp/internal/food"
	"simpleapp/internal/web"
)

// export writes every submission to standard output, oldest first, as it reads them: memory stays constant.
func export(ctx context.Context, i invocation) (err error) {
	flags := flag.NewFlagSet("export", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	format := flags.String("format", "csv", "`csv` or json")
	bom := flags.Bool("bom", false, "begin the CSV with a byte order mark: some spreadsheets (Excel) need it\n"+
		"to show letters outside English")
	switch err := flags.Parse(i.args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(i.stdout, "usage: simpleapp export [--format csv|json] [--bom]")
		fmt.Fprintln(i.stdout, "Writes every submission to standard output.")
		flags.SetOutput(i.stdout)
		flags.PrintDefaults()
		return nil
	case err != nil || flags.NArg() > 0:
		return errUsage
	case *format != "csv" && *format != "json":
		return fmt.Errorf("--format: %q is neither csv nor json", *format)
	case *bom && *format == "json":
		return errors.New("--bom: JSON has no byte order mark: leave --bom out or use --format csv")
	}
	cfg, log, err := i.configure()
	if err != nil {
		return err
	}
	store, err := openFood(cfg, log, web.NewMetrics())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(ctx)) }()

	out := bufio.NewWriter(i.stdout)
	if *bom {
		out.WriteString("\ufeff") // an error comes back from Flush
	}
	write := exportCSV
	if *format == "json" {
		write = exportJSON
	}
	err = write(ctx, store, out)
	return errors.Join(err, out.Flush())
}

// exportCSV writes the cells that visitors have typed in quotation marks, which encoding/csv does
// only where a comma makes it necessary: some spreadsheets (LibreOffice) separate cells by
// semicolons, too.
func exportCSV(ctx context.Context, store *food.Store, out io.Writer) error {
	_, err := io.WriteString(out, "id,first_name,last_name,favourite_food,country,added_at\n")
	if err != nil {
		return err
	}
	return store.Each(ctx, func(r food.Record) error {
		_, err := fmt.Fprintf(out, "%d,%s,%s,%s,%s,%s\n", r.ID, cell(r.FirstName), cell(r.LastName),
			cell(r.FavouriteFood), r.Country, r.AddedAt.Format(time.RFC3339Nano))
		return err
	})
}

// cell returns text as a quoted cell, with an apostrophe before each character that would begin a
// formula (https://owasp.org/www-community/attacks/CSV_Injection). A formula begins where a cell
// does: at the start of the text and, because a spreadsheet may separate cells by other characters
// than commas and then sees no quotation, behind each of those. Spaces, quotation marks and
// invisible characters before a formula make no difference, because a spreadsheet may drop them.
func cell(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	start := true // of a cell
	for _, r := range text {
		switch {
		case strings.ContainsRune(",;|\t\r\n", r):
			start = true
		case strings.ContainsRune("=+-@＝＋－＠", r):
			if start {
				b.WriteByte('\'')
			}
			start = false
		case !strings.ContainsRune(`"'`, r) && !unicode.In(r, unicode.Z, unicode.C):
			start = false
		}
		if r == '"' {
			b.WriteByte('"')
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
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
