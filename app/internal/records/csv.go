package records

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"simpleapp/internal/food"
)

// A CSVWriter writes submissions as CSV. A spreadsheet finds no formula in it: see cell.
type CSVWriter struct{ out io.Writer }

// NewCSVWriter writes the header to out, and returns a CSVWriter for the rows.
func NewCSVWriter(out io.Writer) (*CSVWriter, error) {
	var names []string
	for _, v := range values(food.Record{}) {
		names = append(names, v.name)
	}
	_, err := fmt.Fprintln(out, strings.Join(names, ","))
	return &CSVWriter{out}, err
}

// Write writes one row. It quotes every text that a visitor typed. encoding/csv quotes only where
// CSV needs it, but some spreadsheets (LibreOffice) also split cells at semicolons.
func (w *CSVWriter) Write(r food.Record) error {
	var cells []string
	for _, v := range values(r) {
		if _, typed := textField(v.name); typed {
			v.text = cell(v.text)
		}
		cells = append(cells, v.text)
	}
	_, err := fmt.Fprintln(w.out, strings.Join(cells, ","))
	return err
}

// cell returns text as a quoted cell, with an apostrophe before each character that would begin a
// formula (https://owasp.org/www-community/attacks/CSV_Injection).
func cell(text string) string {
	return `"` + strings.ReplaceAll(mapFormulas(text, true), `"`, `""`) + `"`
}

// uncell returns the text of a cell without the apostrophes that cell has added.
func uncell(text string) string { return mapFormulas(text, false) }

// mapFormulas returns a copy of text. Before each character that would begin a formula, it adds an
// apostrophe if guard is true. Otherwise it removes the apostrophe there.
//
// A formula begins at the start of a cell. A cell starts with the text, but also after a comma, a
// semicolon, a bar, a tab or a line break, because a spreadsheet may split cells there and ignore
// the quotation marks. Spaces, quotation marks and invisible characters before a formula are
// skipped, because a spreadsheet may remove them.
func mapFormulas(text string, guard bool) string {
	var copied []byte
	start := true // at the start of a cell
	for _, r := range text {
		switch {
		case strings.ContainsRune(",;|\t\r\n", r):
			start = true
		case strings.ContainsRune("=+-@＝＋－＠", r):
			if start && guard {
				copied = append(copied, '\'')
			} else if start {
				copied = bytes.TrimSuffix(copied, []byte("'"))
			}
			start = false
		case !strings.ContainsRune(`"'`, r) && !unicode.In(r, unicode.Z, unicode.C):
			start = false
		}
		copied = utf8.AppendRune(copied, r)
	}
	return string(copied)
}

// A csvReader reads rows whose columns are in any order. The header has the names of the columns.
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
	for _, name := range header {
		if errors.Is(set(new(food.Submission), value{name: name}), errNoField) {
			return nil, fmt.Errorf("the header of the CSV has %q: %w", name, errNoField)
		}
	}
	if !slices.Contains(header, "country") { // which every record needs
		return nil, fmt.Errorf("the header of the CSV has no country: %w", ErrIncomplete)
	}
	return &csvReader{rows, slices.Clone(header)}, nil
}

func (r *csvReader) next() ([]value, error) {
	row, err := r.rows.Read()
	if errors.Is(err, csv.ErrFieldCount) && len(row) > len(r.names) {
		return nil, fmt.Errorf("%d cells, and the header has %d: a cell with a comma needs quotes",
			len(row), len(r.names))
	}
	if errors.Is(err, csv.ErrFieldCount) {
		return nil, fmt.Errorf("%d cells, and the header has %d: %w",
			len(row), len(r.names), ErrIncomplete)
	}
	if err != nil {
		return nil, err
	}
	values := make([]value, len(row))
	for i, text := range row {
		if !utf8.ValidString(text) { // uncell would replace the bytes
			return nil, fmt.Errorf("%s: %q is not UTF-8", r.names[i], text)
		}
		values[i] = value{r.names[i], uncell(text)}
	}
	return values, nil
}
