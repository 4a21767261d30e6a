package records

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"simpleapp/internal/food"
)

// A Reader reads submissions from a file. The file is JSON, CSV, or the SQL of an old backup.
// NewReader detects the format.
type Reader struct {
	format interface{ next() ([]value, error) }
	n      int // records read
	in     *limitedReader

	// Visits is the number of visits in the file, or nil if the file has none.
	Visits *int64
}

// NewReader detects the format of a file and reads its beginning. Its error is ErrIncomplete if
// JSON or SQL ends there, if the header of a CSV has only known names but no country, or if the
// file is empty.
func NewReader(file io.Reader) (*Reader, error) {
	in := &limitedReader{in: file, left: maxRecord}
	buffered := bufio.NewReader(in)
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" {
		buffered.Discard(3)
	}
	begin, err := skipSpace(buffered)
	if err != nil {
		return nil, incomplete(err)
	}
	switch begin {
	case '[', '{':
		r, err := newJSONReader(buffered)
		if err != nil {
			return nil, err
		}
		return &Reader{format: r, in: in, Visits: r.visits}, nil
	case '-':
		r, err := newDumpReader(buffered)
		if err != nil {
			return nil, err
		}
		return &Reader{format: r, in: in, Visits: r.visits}, nil
	}
	r, err := newCSVReader(buffered)
	if err != nil {
		return nil, err
	}
	return &Reader{format: r, in: in}, nil
}

// maxRecord is a size in bytes. No record in any format is that large. Bytes that are read ahead
// count for the record before them.
const maxRecord = 1 << 20

// A limitedReader bounds how much is read for one record, and so the memory that it takes.
type limitedReader struct {
	in   io.Reader
	left int
}

func (l *limitedReader) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, errors.New("it is longer than 1 MB: a quote may be missing")
	}
	n, err := l.in.Read(b[:min(len(b), l.left)])
	l.left -= n
	return n, err
}

// skipSpace skips white space, with which no format begins. It returns the byte after it, which it
// does not read.
func skipSpace(in *bufio.Reader) (byte, error) {
	for {
		next, err := in.Peek(1)
		if err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(next[0])) {
			return next[0], nil
		}
		in.Discard(1)
	}
}

// Next returns the next submission, without a token if the file has none. It returns io.EOF after
// the last one. A CSV that was cut off between two rows looks complete.
func (r *Reader) Next() (food.Submission, error) {
	r.in.left = maxRecord
	values, err := r.format.next()
	if err == io.EOF {
		return food.Submission{}, io.EOF
	}
	r.n++
	var s food.Submission
	if err == nil {
		s, err = submission(values)
	}
	if err != nil {
		return s, fmt.Errorf("record %d: %w", r.n, err)
	}
	return s, nil
}
