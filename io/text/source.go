// Package text reads and writes files of lines; a row is one line, a string.
//
// The one central idea: the bytes of a line are the row. Nothing is decoded,
// trimmed or replaced but the line end, so that what is not UTF-8 survives.
//
//	logs/a.txt     "GET /\n"          row "GET /"
//	               "\r\n"             row ""
//	logs/b.log.gz  "POST /x" end      row "POST /x"
package text

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/lines"
)

// Source reads the lines of files. Its rows are strings.
//
// Lines end with \n or \r\n, the last one need not. Files whose names end in .gz
// or .zst are decompressed; each is one split, larger plain files are several. A
// line longer than MaxLine is a bad record; a file that is cut off or not what its
// suffix says ends the run with an error.
type Source struct {
	// Path is a file, a pattern such as logs/*.txt, or a directory, in which all
	// files are read whose names do not start with '.' or '_'.
	Path string
	// SplitBytes is the smallest part of a large file that is read as a split of
	// its own; 0 means 16 MiB.
	SplitBytes int64
	// MaxLine is the number of bytes a line may have, at most 512 MiB; 0 means 16 MiB.
	MaxLine int
}

// String implements connector.Source.
func (s Source) String() string { return "text " + s.Path }

// Bounded implements connector.Source: files end.
func (s Source) Bounded() bool { return true }

// Validate implements connector.Source.
func (s Source) Validate(t *batch.Type) error {
	return errors.Join(s.lines().Validate(), wantString(t))
}

func (s Source) lines() lines.Source {
	return lines.Source{Path: s.Path, SplitBytes: s.SplitBytes, MaxLine: s.MaxLine}
}

func wantString(t *batch.Type) error {
	if t == nil || t.Kind != batch.String {
		return fmt.Errorf("a line of text is a string, not %s; use rows of type string", t)
	}
	return nil
}

// Open implements connector.Source: it lists the files and opens each once.
func (s Source) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	if err := s.Validate(r.Type); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in, err := s.lines().Open(r,
		func(l *lines.Reader) connector.Reader { return &reader{Reader: l, request: r} })
	if err != nil {
		return nil, err
	}
	return in, nil
}

// reader copies lines into the string column of a batch.
type reader struct {
	*lines.Reader
	request connector.Request
	bytes   int // of the batch before, to size the next
}

// Read implements connector.Reader.
func (r *reader) Read(ctx context.Context) (*batch.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows := r.request.Rows()
	offsets := make([]int32, 1, rows+1)
	data := make([]byte, 0, r.bytes+r.bytes/8)
	for len(offsets) <= rows && len(data) < lines.BatchBytes {
		line, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			if err := r.bad(err); err != nil {
				return nil, err
			}
			continue
		}
		data = append(data, line...)
		offsets = append(offsets, int32(len(data)))
	}
	if len(offsets) == 1 {
		return nil, io.EOF
	}
	r.bytes = len(data)
	return &batch.Batch{Root: batch.NewStrings(r.request.Type, batch.Strings{Offsets: offsets, Data: data})}, nil
}

// bad reports a line that is too long; other errors end the reading.
func (r *reader) bad(err error) error {
	var long *lines.TooLong
	if !errors.As(err, &long) {
		return err
	}
	return r.request.Bad(connector.BadRecord{Place: r.Place(), Raw: long.Raw, Err: long})
}
