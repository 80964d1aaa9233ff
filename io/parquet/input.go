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
	from        store
	request     connector.Request
	positions   int  // field of the row's position, or -1
	wholeGroups bool // page indexes are not used
	splits      []connector.Split
}

// piece is a split's own data.
type piece struct {
	file  *inputFile
	group *pages.RowGroup
	first int64 // position of its first row
}

func newInput(s Source, from store, files []*inputFile, r connector.Request) *input {
	in := &input{from: from, request: r, positions: -1, wholeGroups: s.IgnorePageIndex}
	if s.RowPosition != "" {
		in.positions = r.Type.Index(s.RowPosition)
	}
	for _, f := range files {
		first := f.first
		for _, g := range f.footer.RowGroups() {
			p := piece{file: f, group: g, first: first}
			first += g.Rows()
			if g.Rows() == 0 || r.Filter != nil && in.excluded(p, pages.Range{From: 0, To: g.Rows()}, g.Stats) {
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
	r := &reader{input: in, piece: p, handle: h, columns: make([]*pages.ColumnReader, len(p.file.fields))}
	if err := r.open(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return r, nil
}

// reader reads one row group, or the rows of it that may pass the filter.
type reader struct {
	input   *input
	piece   piece
	handle  handle
	rows    []pages.Range         // to be read, the next one first
	columns []*pages.ColumnReader // nil: not read
	done    atomic.Int64          // rows that are behind
}

// open decides which rows are read and opens their columns.
func (r *reader) open() (err error) {
	p := r.piece
	index := p.group.PageIndex(r.handle)
	if r.rows, err = r.input.matching(p, index); err != nil || len(r.rows) == 0 {
		return err
	}
	whole := r.rows[0] == pages.Range{From: 0, To: p.group.Rows()}
	for i, b := range p.file.fields {
		switch {
		case b == nil || b.node == nil:
		case whole:
			r.columns[i], err = p.group.ColumnFrom(r.handle, b.node)
		default:
			r.columns[i], err = index.Column(b.node, r.rows)
		}
		if err != nil {
			return fmt.Errorf("parquet: %w", err)
		}
	}
	return nil
}

// Read implements connector.Reader.
func (r *reader) Read(ctx context.Context) (*batch.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(r.rows) == 0 {
		r.done.Store(r.piece.group.Rows())
		return nil, io.EOF
	}
	from := r.rows[0].From
	n := int(min(int64(r.input.request.Rows()), r.rows[0].To-from))
	t := r.input.request.Type
	children := make([]*batch.Column, len(r.columns))
	for i, b := range r.piece.file.fields {
		if b == nil {
			continue
		}
		var err error
		if children[i], err = r.next(b, r.columns[i], n); err != nil {
			return nil, r.place(err, from)
		}
	}
	if i := r.input.positions; i >= 0 && r.input.request.Needs(i) {
		children[i] = batch.NewInts(t.Fields[i].Type, positions(r.piece.first+from, n))
	}
	if r.rows[0].From += int64(n); r.rows[0].From == r.rows[0].To {
		r.rows = r.rows[1:]
	}
	r.done.Store(from + int64(n))
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

// place says in which row of the file a null was found, in a batch that begins at
// row from of the row group; other errors say where they happened by themselves.
func (r *reader) place(err error, from int64) error {
	var null nullError
	if errors.As(err, &null) {
		row := r.piece.first - r.piece.file.first + from + int64(null.row)
		return fmt.Errorf("parquet: %s: row group %d: row %d of the file: %w", r.piece.file.name, r.piece.group.Index(), row, err)
	}
	if errors.Is(err, pages.ErrIndex) {
		return fmt.Errorf("parquet: %w; write the file anew, or set IgnorePageIndex in the source", err)
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
func (r *reader) Close() error {
	for _, c := range r.columns {
		if c != nil {
			c.Close()
		}
	}
	return r.handle.Close()
}
