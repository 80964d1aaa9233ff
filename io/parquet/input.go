package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// input is an opened source: footers read, row groups chosen, no file held open.
type input struct {
	from     store
	request  connector.Request
	position int // field that is filled with the row's position, or -1
	splits   []connector.Split
}

// piece is a split's own data.
type piece struct {
	file  *inputFile
	group *pages.RowGroup
	first int64 // position of its first row
}

func newInput(from store, files []*inputFile, position string, r connector.Request) *input {
	in := &input{from: from, request: r, position: -1}
	if i := r.Type.Index(position); position != "" && r.Needs(i) {
		in.position = i
	}
	for _, f := range files {
		first := f.first
		for _, g := range f.footer.RowGroups() {
			p := piece{file: f, group: g, first: first}
			first += g.Rows()
			if g.Rows() == 0 || in.excluded(p, r.Type.Index(position)) {
				continue
			}
			in.splits = append(in.splits, connector.Split{
				Name: fmt.Sprintf("%s[row group %d]", f.name, g.Index()),
				Rows: g.Rows(), Bytes: p.bytes(), Data: p,
			})
		}
	}
	return in
}

// bytes returns the compressed size of the columns that are read.
func (p piece) bytes() int64 {
	var sum int64
	for _, b := range p.file.fields {
		if b != nil && b.node != nil {
			sum += p.group.Bytes(b.node)
		}
	}
	return sum
}

// Splits implements connector.Input.
func (in *input) Splits() []connector.Split { return in.splits }

// Close implements connector.Input.
func (in *input) Close() error { return nil }

// Reader implements connector.Input.
func (in *input) Reader(ctx context.Context, s connector.Split) (connector.Reader, error) {
	p, ok := s.Data.(piece)
	if !ok {
		return nil, fmt.Errorf("parquet: %s is not a split of this source", s.Name)
	}
	h, err := in.from.open(ctx, p.file.stored)
	if err != nil {
		return nil, err
	}
	r := &reader{input: in, piece: p, handle: h}
	for _, b := range p.file.fields {
		var c *pages.ColumnReader
		if b != nil && b.node != nil {
			if c, err = p.group.ColumnFrom(h, b.node); err != nil {
				return nil, errors.Join(fmt.Errorf("parquet: %w", err), h.Close())
			}
		}
		r.columns = append(r.columns, c)
	}
	return r, nil
}

// reader reads one row group.
type reader struct {
	input   *input
	piece   piece
	handle  handle
	columns []*pages.ColumnReader // nil: not read
	done    atomic.Int64          // rows
}

// Read implements connector.Reader.
func (r *reader) Read(ctx context.Context) (*batch.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	done := r.done.Load()
	n := int(min(int64(r.input.request.Rows()), r.piece.group.Rows()-done))
	if n == 0 {
		return nil, io.EOF
	}
	t := r.input.request.Type
	children := make([]*batch.Column, len(r.columns))
	for i, b := range r.piece.file.fields {
		if b == nil {
			continue
		}
		var err error
		if children[i], err = r.next(b, r.columns[i], n); err != nil {
			return nil, r.place(err, done)
		}
	}
	if i := r.input.position; i >= 0 {
		children[i] = batch.NewInts(t.Fields[i].Type, positions(r.piece.first+done, n))
	}
	r.done.Add(int64(n))
	return &batch.Batch{Root: batch.NewStruct(t, n, children...)}, nil
}

// next returns the next n rows of a field.
func (r *reader) next(b *binding, c *pages.ColumnReader, n int) (*batch.Column, error) {
	if b.constant != nil {
		return b.constant.column(b.want, n)
	}
	col, err := c.Next(n)
	if err != nil {
		return nil, err
	}
	return b.convert(col)
}

// place says in which row of the file a null was found; other errors say where
// they happened by themselves.
func (r *reader) place(err error, done int64) error {
	var null nullError
	if errors.As(err, &null) {
		row := r.piece.first - r.piece.file.first + done + int64(null.row)
		return fmt.Errorf("parquet: %s: row group %d: row %d of the file: %w", r.piece.file.name, r.piece.group.Index(), row, err)
	}
	return fmt.Errorf("parquet: %w", err)
}

func positions(first int64, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = first + int64(i)
	}
	return out
}

// Done implements connector.Progress.
func (r *reader) Done() float64 {
	return float64(r.done.Load()) / float64(r.piece.group.Rows())
}

// Close implements connector.Reader.
func (r *reader) Close() error { return r.handle.Close() }
