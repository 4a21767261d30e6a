package records

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"simpleapp/internal/food"
)

// A JSONWriter writes submissions as a JSON array. With a number of visits, it writes an object:
//
//	{"visits": 12, "submissions": [{"id": 1, "first_name": "Ada", …, "token": "…"}, …]}
type JSONWriter struct {
	out    io.Writer
	before string // what separates the next record from what is written
	end    string // what Close writes
}

// NewJSONWriter writes the beginning of the JSON: an array if visits is nil, else an object.
func NewJSONWriter(out io.Writer, visits *int64) (*JSONWriter, error) {
	w := &JSONWriter{out: out, before: "\n", end: "]\n"}
	begin := "["
	if visits != nil {
		begin, w.end = fmt.Sprintf("{\"visits\": %d, \"submissions\": [", *visits), "]}\n"
	}
	_, err := io.WriteString(out, begin)
	return w, err
}

// Write writes one record, on a line of its own.
func (w *JSONWriter) Write(r food.Record) error {
	line, separator := w.before, "{"
	for _, v := range append(values(r), value{"token", r.Token}) {
		text := v.text
		if v.name != "id" { // which is a number
			text = quote(text)
		}
		line += separator + fmt.Sprintf("%q: %s", v.name, text)
		separator = ", "
	}
	w.before = ",\n"
	_, err := io.WriteString(w.out, line+"}")
	return err
}

// quote returns text as a string of JSON. Unlike json.Marshal it leaves <, > and & as they are, so
// that an operator can search a file for words.
func quote(text string) string {
	var quoted strings.Builder
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	encoder.Encode(text) // a string can't fail
	return strings.TrimSuffix(quoted.String(), "\n")
}

// Close writes the end of the JSON. Without it the JSON is not valid, so that readers notice that
// it is incomplete.
func (w *JSONWriter) Close() error {
	if w.before != "\n" {
		w.end = "\n" + w.end
	}
	_, err := io.WriteString(w.out, w.end)
	return err
}

// A jsonReader reads what a JSONWriter writes.
type jsonReader struct {
	in     *json.Decoder
	visits *int64
	object bool // whether the array is in an object
}

// newJSONReader reads the JSON up to the first record.
func newJSONReader(in *bufio.Reader) (*jsonReader, error) {
	r := &jsonReader{in: json.NewDecoder(in)}
	begin, err := r.in.Token()
	if err != nil {
		return nil, incomplete(err)
	}
	if begin == json.Delim('[') {
		return r, nil
	}
	r.object = true
	for {
		key, err := r.in.Token()
		if err != nil {
			return nil, incomplete(err)
		}
		switch key {
		case "visits":
			err := r.in.Decode(&r.visits)
			if errors.As(err, new(*json.UnmarshalTypeError)) {
				return nil, errors.New("visits: it is not a whole number")
			}
			if err != nil {
				return nil, fmt.Errorf("visits: %w", incomplete(err))
			}
			if r.visits != nil && *r.visits < 0 {
				return nil, fmt.Errorf("visits: %d is negative", *r.visits)
			}
		case "submissions":
			begin, err := r.in.Token()
			if err != nil {
				return nil, incomplete(err)
			}
			if begin != json.Delim('[') {
				return nil, errors.New("submissions is not an array")
			}
			return r, nil
		default:
			return nil, fmt.Errorf("the JSON has %q where visits or submissions is expected", key)
		}
	}
}

// replacement matches the replacement character, as itself or as an escape. It also matches an
// escaped backslash, so that it does not take \\ufffd for an escape.
var replacement = regexp.MustCompile(`(?i)\x{FFFD}|\\ufffd|\\\\`)

func (r *jsonReader) next() ([]value, error) {
	if !r.in.More() {
		return nil, r.readEnd()
	}
	var raw json.RawMessage
	if err := r.in.Decode(&raw); err != nil {
		return nil, incomplete(err)
	}
	if !utf8.Valid(raw) {
		return nil, errors.New("the JSON is not UTF-8")
	}
	var record any
	if err := json.Unmarshal(raw, &record); err != nil {
		return nil, err
	}
	object, isObject := record.(map[string]any)
	if !isObject {
		return nil, errors.New("it is not a JSON object")
	}
	var values []value
	written, read := 0, 0 // how often there is U+FFFD
	for _, match := range replacement.FindAll(raw, -1) {
		if string(match) != `\\` {
			written++
		}
	}
	for name, v := range object {
		text, isText := v.(string)
		if !isText && name != "id" {
			return nil, fmt.Errorf("%s is not a string", name)
		}
		values = append(values, value{name, text})
		read += strings.Count(text, "\ufffd")
	}
	if read > written { // encoding/json replaces half of a surrogate pair, and reports no error
		return nil, errors.New(`the JSON has an escape such as \ud800, which is half a character`)
	}
	return values, nil
}

// readEnd reads the JSON after the last record. It returns io.EOF if the file is complete.
func (r *jsonReader) readEnd() error {
	ends := []json.Delim{']'}
	if r.object {
		ends = append(ends, '}')
	}
	for _, want := range ends {
		end, err := r.in.Token()
		if err != nil {
			return incomplete(err)
		}
		if end != want {
			return fmt.Errorf("the JSON has %v after the submissions", end)
		}
	}
	switch more, err := r.in.Token(); {
	case err == io.EOF:
		return io.EOF
	case err != nil:
		return fmt.Errorf("the JSON is followed by something else: %w", err)
	default:
		return fmt.Errorf("the JSON is followed by %v", more)
	}
}

// incomplete returns ErrIncomplete if err says that the file ends too early. Otherwise it returns
// err.
func incomplete(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrIncomplete
	}
	return err
}
