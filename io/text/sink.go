package text

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/lines"
	"github.com/leatflow/leat/sdk/connector/staging"
)

// Sink writes strings as lines into dir/part-00000.txt and so on, one file for
// each task that has rows. The files appear together when the run has succeeded.
//
// A row that would not be read back as it is (one that contains a line break,
// ends in \r or is null) ends the run with an error.
type Sink struct {
	Dir       string // made when it does not exist; must be empty unless Overwrite
	Gzip      bool   // compress the files: part-00000.txt.gz
	Overwrite bool   // replace part files of an earlier run

	FS staging.FS // nil: the machine's; tests inject failures here
}

// String implements connector.Sink.
func (s Sink) String() string { return "text " + s.Dir }

// Validate implements connector.Sink.
func (s Sink) Validate(t *batch.Type) error {
	return errors.Join(s.lines().Validate(), wantString(t))
}

func (s Sink) lines() lines.Sink {
	return lines.Sink{Dir: s.Dir, Suffix: ".txt", Gzip: s.Gzip, Overwrite: s.Overwrite, FS: s.FS}
}

// Open implements connector.Sink.
func (s Sink) Open(ctx context.Context, r connector.SinkRequest) (connector.Output, error) {
	if err := s.Validate(r.Type); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out, err := s.lines().Open(func() lines.Encode { return encode })
	if err != nil {
		return nil, err
	}
	return out, nil
}

func encode(dst []byte, b *batch.Batch) ([]byte, error) {
	column := b.Root
	if err := wantString(column.Type); err != nil {
		return nil, err
	}
	for i := range column.Len {
		line := column.Bytes(i)
		if column.Null(i) || bytes.IndexByte(line, '\n') >= 0 || bytes.HasSuffix(line, []byte{'\r'}) {
			return nil, refuse(column, i)
		}
		dst = append(dst, line...)
		dst = append(dst, '\n')
	}
	return dst, nil
}

func refuse(column *batch.Column, i int) error {
	if column.Null(i) {
		return fmt.Errorf("row %d of the batch is null; a line of text cannot be: filter nulls out or write JSON", i)
	}
	text := column.Bytes(i)
	return fmt.Errorf("row %d of the batch, %.60q, contains a line break and would be read back as several lines; write JSON instead", i, text)
}
