// Package json reads and writes newline-delimited JSON, one value a line, and
// JSON as the payload of messages, one value a payload (Format).
//
// The one central idea: a record never becomes a Go value. A decoder bound to the
// row type once walks the bytes and appends to columns; a record that turns out
// bad half-way is cut off again from every column it had reached:
//
//	{"user":"ann","delay":4,"tags":["a","b"]}        user   ann │ bob │
//	{"user":"bob","delay":null,"tags":[]}       ──▶  delay  4   │ ∅   │
//	{"user":"eve","delay":"x"}  bad, cut off         tags   a b │     │
//
// How JSON maps to columns, in both directions:
//
//	bool               true, false
//	integers           a number without fraction or exponent, range-checked
//	float32, float64   a number, or "NaN", "Infinity", "-Infinity"
//	string             a string; invalid UTF-8 and lone surrogates become U+FFFD
//	bytes              a string, base64 with padding
//	time               written as RFC 3339 in UTC with six digits of fraction; read
//	                   with any offset and fraction (digits past the microsecond are
//	                   cut off), or as an integer of microseconds since 1970. Times
//	                   outside the years 0 to 9999 are written as that integer.
//	list               an array; null is read as an empty one
//	map                an object with string or integer keys, entries sorted by key;
//	                   null is read as an empty one
//	struct             an object; names match exactly
//	null               null, or the field is absent; an error unless nullable
//
// Fields the row type does not have are ignored unless RefuseUnknown is set; one
// it has that occurs twice makes the record bad. So does anything after the value:
// a record does not span lines. Blank lines are skipped; an empty payload is bad.
// Values that nobody reads may nest 10,000 deep.
package json

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/lines"
)

// Source reads files of newline-delimited JSON. See the package comment for how
// values map to columns. Files whose names end in .gz or .zst are decompressed.
//
// A line that does not fit the row type is a bad record with its place, such as
// events.json:17; fields the pipeline does not read are not looked at beyond
// their syntax.
type Source struct {
	// Path is a file, a pattern such as logs/*.json, or a directory, in which all
	// files are read that end in .json, .ndjson or .jsonl, compressed or not, and
	// whose names do not start with '.' or '_'.
	Path string
	// RefuseUnknown makes a record with a field that the row type lacks a bad one.
	RefuseUnknown bool
	// SplitBytes is the smallest part of a large file that is read as a split of
	// its own; 0 means 16 MiB.
	SplitBytes int64
	// MaxLine is the number of bytes a line may have, at most 512 MiB; 0 means 16 MiB.
	MaxLine int
}

// String implements connector.Source.
func (s Source) String() string { return "json " + s.Path }

// Bounded implements connector.Source: files end.
func (s Source) Bounded() bool { return true }

// Validate implements connector.Source.
func (s Source) Validate(t *batch.Type) error {
	return errors.Join(s.lines().Validate(), validate(t))
}

func (s Source) lines() lines.Source {
	return lines.Source{Path: s.Path, Suffixes: suffixes(), SplitBytes: s.SplitBytes, MaxLine: s.MaxLine}
}

func suffixes() []string {
	var all []string
	for _, plain := range []string{".json", ".ndjson", ".jsonl"} {
		all = append(all, plain, plain+".gz", plain+".zst")
	}
	return all
}

// Open implements connector.Source: it lists the files and opens each once.
func (s Source) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	if err := s.Validate(r.Type); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in, err := s.lines().Open(r, func(l *lines.Reader) connector.Reader {
		return &reader{Reader: l, request: r, root: bind(r.Type, r.Needed, s.RefuseUnknown)}
	})
	if err != nil {
		return nil, err
	}
	return in, nil
}

// reader decodes the lines of one range.
type reader struct {
	*lines.Reader
	request connector.Request
	root    *node
	scratch []byte // of the cursor, kept between records
}

// Read implements connector.Reader.
func (r *reader) Read(ctx context.Context) (*batch.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows := r.request.Rows()
	for size := 0; r.root.Rows < rows && size < lines.BatchBytes; {
		line, err := r.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			size += len(line)
			err = r.record(line)
		} else {
			err = r.tooLong(err)
		}
		if err != nil {
			return nil, err
		}
	}
	if r.root.Rows == 0 {
		return nil, io.EOF
	}
	return &batch.Batch{Root: r.root.Take()}, nil
}

var byteOrderMark = []byte("\uFEFF")

// record appends one line to the columns, or reports it.
func (r *reader) record(line []byte) error {
	if r.First() {
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	c := cursor{text: line, scratch: r.scratch}
	c.space()
	if c.at == len(line) {
		return nil
	}
	before := r.root.Rows
	err := r.root.value(&c)
	if err == nil {
		err = c.end()
	}
	r.scratch = c.scratch
	if err = r.root.Settle(before, err); err == nil {
		return nil
	}
	return r.request.Bad(connector.BadRecord{
		Place: r.Place(),
		Raw:   bytes.Clone(line[:min(len(line), connector.MaxRawBytes)]),
		Err:   err,
	})
}

// tooLong reports a line over the limit; other errors end the reading.
func (r *reader) tooLong(err error) error {
	var long *lines.TooLong
	if !errors.As(err, &long) {
		return err
	}
	return r.request.Bad(connector.BadRecord{Place: r.Place(), Raw: long.Raw, Err: long})
}
