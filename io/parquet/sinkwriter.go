package parquet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/staging"
)

// openMax is how many partitions a task writes at the same time. When there are
// more, the one that got rows longest ago is finished; should it get rows again,
// it gets a second file.
const openMax = 256

// writer stages the rows of one task.
type writer struct {
	output *output
	task   int
	split  *splitter
	pool   pages.Pool
	open   map[string]*part // by directory
	parts  map[string]int   // files begun in each directory
	clock  int              // batches so far
	done   []*staging.File
	rows   int64
}

// part is a file being written.
type part struct {
	dir  string
	file *staging.File
	rows *pages.Writer
	used int // clock of the last batch
}

// Write implements connector.Writer.
func (w *writer) Write(ctx context.Context, b *batch.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.Len() == 0 {
		return nil
	}
	for i := range b.Len() {
		if b.Retract == nil {
			break
		}
		if b.Retract[b.Row(i)] {
			return fmt.Errorf("parquet: %s: a row takes back an earlier one, which a file cannot do: write final results only", w.output.sink.Dir)
		}
	}
	w.clock++
	w.rows += int64(b.Len())
	root := b.Compact().Root
	return w.split.each(root, func(dir string, rows *batch.Column) error {
		p, err := w.part(dir)
		if err != nil {
			return err
		}
		p.used = w.clock
		return w.wrap(p, p.rows.Write(w.project(rows)))
	})
}

func (w *writer) wrap(p *part, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("parquet: %s: %w", p.file.Path(), err)
}

// SizeBytes implements connector.Sized.
func (w *writer) SizeBytes() int64 {
	var n int64
	for _, p := range w.open {
		n += p.rows.SizeBytes()
	}
	return n
}

// project drops the columns that are directories.
func (w *writer) project(root *batch.Column) *batch.Column {
	o := w.output
	if len(o.fields) == len(root.Children) {
		return root
	}
	children := make([]*batch.Column, len(o.fields))
	for i, f := range o.fields {
		children[i] = root.Children[f]
	}
	return batch.NewStruct(o.fileType, root.Len, children...)
}

// part returns the file that is open in dir, or begins one.
func (w *writer) part(dir string) (*part, error) {
	if p := w.open[dir]; p != nil {
		return p, nil
	}
	if len(w.open) >= openMax {
		if err := w.finish(w.oldest()); err != nil {
			return nil, err
		}
	}
	name := fmt.Sprintf("part-%05d.parquet", w.task)
	if n := w.parts[dir]; n > 0 {
		name = fmt.Sprintf("part-%05d-%d.parquet", w.task, n)
	}
	w.parts[dir]++
	f, err := w.output.area.Create(dir + name)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	p := &part{dir: dir, file: f}
	if p.rows, err = pages.NewWriter(f, w.output.fileType, w.output.options(&w.pool)); err != nil {
		return nil, errors.Join(w.wrap(p, err), f.Abort())
	}
	w.open[dir] = p
	return p, nil
}

// oldest returns the open file that was not written to for longest; of several,
// the first by name, so that a run repeats itself.
func (w *writer) oldest() *part { return w.sorted()[0] }

func (w *writer) sorted() []*part {
	var parts []*part
	for _, p := range w.open {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b *part) int {
		return cmp.Or(cmp.Compare(a.used, b.used), cmp.Compare(a.dir, b.dir))
	})
	return parts
}

// finish completes a file and makes it durable.
func (w *writer) finish(p *part) error {
	delete(w.open, p.dir)
	_, err := p.rows.Close()
	if err != nil {
		return errors.Join(w.wrap(p, err), p.file.Abort())
	}
	if err := p.file.Close(); err != nil {
		return errors.Join(fmt.Errorf("parquet: %w", err), p.file.Abort())
	}
	w.done = append(w.done, p.file)
	return nil
}

// Close implements connector.Writer.
func (w *writer) Close(context.Context) (connector.Staged, error) {
	var errs []error
	for _, p := range w.sorted() {
		errs = append(errs, w.finish(p))
	}
	if err := errors.Join(errs...); err != nil {
		return connector.Staged{}, err
	}
	slices.SortFunc(w.done, func(a, b *staging.File) int { return cmp.Compare(a.Name(), b.Name()) })
	s := connector.Staged{Rows: w.rows}
	for _, f := range w.done {
		s.Bytes += f.Size()
		s.Files = append(s.Files, f.Name())
	}
	return s, nil
}

// Abort implements connector.Writer.
func (w *writer) Abort() error {
	var errs []error
	for _, p := range w.sorted() {
		p.rows.Abort()
		errs = append(errs, p.file.Abort())
	}
	for _, f := range w.done {
		errs = append(errs, f.Abort())
	}
	w.open, w.done = nil, nil
	return errors.Join(errs...)
}
