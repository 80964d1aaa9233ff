package lines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/gzip"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/staging"
)

// flushBytes is how much a writer collects before it writes to the file.
const flushBytes = 256 << 10

// Sink is what text and JSON sinks have in common: part files of lines in a
// directory, part-00000.txt for task 0 and so on. A task without rows makes no
// file, but task 0 always makes one, so that an output without rows can be read.
type Sink struct {
	Dir       string
	Suffix    string // .txt
	Gzip      bool   // compress, and add .gz to the name
	Overwrite bool   // replace the part files of an earlier run
	FS        staging.FS
}

// Validate reports the mistakes that can be seen without looking at the disk.
func (s Sink) Validate() error {
	if s.Dir == "" {
		return errors.New("the target directory is an empty path; name one")
	}
	return nil
}

// Encode appends the rows of a batch that has no selection, as lines, to dst.
type Encode func(dst []byte, b *batch.Batch) ([]byte, error)

// Output is an opened Sink.
type Output struct {
	sink      Sink
	area      *staging.Area
	newEncode func() Encode
}

// Open prepares the directory. newEncode is called once for every writer.
func (s Sink) Open(newEncode func() Encode) (*Output, error) {
	area, err := staging.Open(s.FS, s.Dir, staging.Options{Overwrite: s.Overwrite, Pattern: "part-*" + s.Suffix + "*"})
	if err != nil {
		return nil, err
	}
	return &Output{sink: s, area: area, newEncode: newEncode}, nil
}

// Writer implements connector.Output.
func (o *Output) Writer(ctx context.Context, task int) (connector.Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &writer{area: o.area, encode: o.newEncode(), gzip: o.sink.Gzip}
	w.name = fmt.Sprintf("part-%05d%s", task, o.sink.Suffix)
	if w.gzip {
		w.name += ".gz"
	}
	if task == 0 {
		if err := w.create(); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Commit implements connector.Output.
func (o *Output) Commit(ctx context.Context, staged []connector.Staged) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: nothing was committed: %w", o.sink.Dir, err)
	}
	var names []string
	for _, s := range staged {
		names = append(names, s.Files...)
	}
	return o.area.Commit(names)
}

// Abort implements connector.Output.
func (o *Output) Abort() error { return o.area.Abort() }

type writer struct {
	area    *staging.Area
	name    string
	encode  Encode
	gzip    bool
	file    *staging.File // nil until the first row, except in task 0
	out     io.Writer     // file, or compressor over it
	zip     *gzip.Writer
	pending []byte
	rows    int64
}

func (w *writer) create() (err error) {
	if w.file, err = w.area.Create(w.name); err != nil {
		return err
	}
	w.out = w.file
	if w.gzip {
		w.zip = gzip.NewWriter(w.file)
		w.out = w.zip
	}
	return nil
}

func (w *writer) Write(ctx context.Context, b *batch.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.Len() == 0 {
		return nil
	}
	if w.file == nil {
		if err := w.create(); err != nil {
			return err
		}
	}
	b = b.Compact()
	if slices.Contains(b.Retract, true) {
		return fmt.Errorf("%s: a row takes back an earlier one, which a file cannot; write results that are final",
			filepath.Join(w.area.Dir(), w.name))
	}
	var err error
	if w.pending, err = w.encode(w.pending, b); err != nil {
		return fmt.Errorf("%s: after row %d: %w", filepath.Join(w.area.Dir(), w.name), w.rows, err)
	}
	w.rows += int64(b.Len())
	if len(w.pending) >= flushBytes {
		return w.flush()
	}
	return nil
}

func (w *writer) flush() error {
	_, err := w.out.Write(w.pending)
	w.pending = w.pending[:0]
	return err
}

func (w *writer) Close(ctx context.Context) (connector.Staged, error) {
	if w.file == nil || ctx.Err() != nil {
		return connector.Staged{}, ctx.Err()
	}
	err := w.flush()
	if w.zip != nil {
		err = errors.Join(err, w.zip.Close())
	}
	if err == nil {
		err = w.file.Close()
	}
	if err != nil {
		return connector.Staged{}, err
	}
	return connector.Staged{Rows: w.rows, Bytes: w.file.Size(), Files: []string{w.name}}, nil
}

func (w *writer) Abort() error {
	if w.file == nil {
		return nil
	}
	return w.file.Abort()
}
