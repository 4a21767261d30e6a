package records

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"simpleapp/internal/food"
)

// A CSVWriter writes submissions as CSV, which is safe to open in a spreadsheet: see cell.
type CSVWriter struct{ out io.Writer }

// NewCSVWriter writes the header.
func NewCSVWriter(out io.Writer) (CSVWriter, error) {
	var names []string
	for _, v := range values(food.Record{}) {
		names = append(names, v.name)
	}
	_, err := fmt.Fprintln(out, strings.Join(names, ","))
	return CSVWriter{out}, err
}

// Write writes one row. It puts the cells that visitors typed in quotation marks. encoding/csv does so
// only where a comma makes it necessary, and some spreadsheets (LibreOffice) separate cells by
// semicolons, too.
func (w CSVWriter) Write(r food.Record) error {
	var cells []string
	for _, v := range values(r) {
		text := v.text
		if slices.ContainsFunc(food.TextFields, func(f food.TextField) bool { return f.Name == v.name }) {
			text = cell(text)
		}
		cells = append(cells, text)
	}
	_, err := fmt.Fprintln(w.out, strings.Join(cells, ","))
	return err
}

// cell returns text as a quoted cell, with an apostrophe before each character that would begin a
// formula (https://owasp.org/www-community/attacks/CSV_Injection).
func cell(text string) string {
	guarded := mapFormulas(text, func(b *strings.Builder) { b.WriteByte('\'') })
	return `"` + strings.ReplaceAll(guarded, `"`, `""`) + `"`
}

// uncell returns the text of a cell without the apostrophes that cell has put in.
func uncell(text string) string {
	return mapFormulas(text, func(b *strings.Builder) {
		if before, found := strings.CutSuffix(b.String(), "'"); found {
			b.Reset()
			b.WriteString(before)
		}
	})
}

// mapFormulas copies text, and calls do before each character that would begin a formula. A formula
// begins where a cell does: at the start of the text and, because a spreadsheet may separate cells by
// other characters than commas and then sees no quotation, behind each of those. Spaces, quotation marks
// and invisible characters before a formula make no difference, because a spreadsheet may drop them.
func mapFormulas(text string, do func(copied *strings.Builder)) string {
	var copied strings.Builder
	start := true // of a cell
	for _, r := range text {
		switch {
		case strings.ContainsRune(",;|\t\r\n", r):
			start = true
		case strings.ContainsRune("=+-@＝＋－＠", r):
			if start {
				do(&copied)
			}
			start = false
		case !strings.ContainsRune(`"'`, r) && !unicode.In(r, unicode.Z, unicode.C):
			start = false
		}
		copied.WriteRune(r)
	}
	return copied.String()
}

// A csvReader reads rows with the names of the header, in any order of the columns.
type csvReader struct {
	rows  *csv.Reader
	names []string
}

func newCSVReader(in *bufio.Reader) (*csvReader, error) {
	rows := csv.NewReader(in)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("read the header of the CSV: %w", err)
	}
	return &csvReader{rows, slices.Clone(header)}, nil
}

func (r *csvReader) next() ([]value, error) {
	row, err := r.rows.Read()
	if errors.Is(err, csv.ErrFieldCount) {
		return nil, ErrIncomplete
	}
	if err != nil {
		return nil, err
	}
	values := make([]value, len(row))
	for i, text := range row {
		values[i] = value{r.names[i], uncell(text)}
	}
	return values, nil
}
