package pages

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/leatflow/leat/sdk/batch"
)

// DefaultRowGroupRows is how many rows a row group has unless told otherwise.
const DefaultRowGroupRows = 256 << 10

// WriterOptions say how a file is written. Every zero is a good choice.
type WriterOptions struct {
	Compression  Compression
	RowGroupRows int // rows of a row group; zero means 262,144
	PageRows     int // rows of a page at most; zero means 16,384
	// Background is how many row groups may be encoded at the same time beside
	// the caller; zero means that Write encodes them itself.
	Background int
	// LocalTime writes timestamps as local time without a zone instead of UTC.
	LocalTime bool
	// Pool, when not nil, lends its memory to the writer while a row group is
	// encoded: for many writers that take turns.
	Pool *Pool
}

// Pool keeps the memory in which row groups are encoded for the next writer that
// needs it. Its writers have the same Compression and PageRows. The zero value is
// ready for use, by any number of goroutines.
type Pool struct {
	mu   sync.Mutex
	idle []*encoder
}

func (p *Pool) get(o *WriterOptions) (*encoder, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		e := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return e, nil
	}
	return newEncoder(o)
}

func (p *Pool) put(e *encoder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, e)
}

// Writer writes a file. It is used by one goroutine and ends with Close or Abort.
// The bytes depend on the rows and options alone, not on how the rows were cut
// into columns, how strings were encoded, or on timing.
type Writer struct {
	out     io.Writer
	o       WriterOptions
	typ     *batch.Type
	schema  *schemaWriter
	pending []*batch.Column // of the row group being filled
	rows    int             // in pending
	held    int64           // bytes of pending

	running []chan encoded // row groups in the background, in file order
	encode  []int64        // bytes held by each of them

	written int64
	groups  []format.RowGroup
	indexes [][]chunkIndex // of groups, by column
	total   int64
	err     error
	closed  bool
}

// encoded is a row group that is ready to be written.
type encoded struct {
	encoder *encoder
	group   format.RowGroup
	indexes []chunkIndex // of its columns
	err     error
}

// NewWriter begins a file of rows of type t, a struct. out is not closed.
func NewWriter(out io.Writer, t *batch.Type, o WriterOptions) (*Writer, error) {
	if o.Compression > Uncompressed {
		return nil, fmt.Errorf("there is no %s", o.Compression)
	}
	if o.RowGroupRows < 0 || o.PageRows < 0 || o.Background < 0 {
		return nil, fmt.Errorf("RowGroupRows, PageRows and Background cannot be negative: %d, %d, %d", o.RowGroupRows, o.PageRows, o.Background)
	}
	if o.RowGroupRows == 0 {
		o.RowGroupRows = DefaultRowGroupRows
	}
	if o.PageRows == 0 {
		o.PageRows = 16 << 10
	}
	schema, err := layOut(t, o.LocalTime)
	if err != nil {
		return nil, err
	}
	if o.Pool == nil {
		o.Pool = &Pool{}
	}
	w := &Writer{out: out, o: o, typ: t, schema: schema}
	return w, w.write([]byte(magic))
}

func (w *Writer) write(b []byte) error {
	n, err := w.out.Write(b)
	w.written += int64(n)
	if err != nil && w.err == nil {
		w.err = err
	}
	return err
}

// Write appends the rows of c, a struct column of the writer's type. Its columns
// are kept until their row group is encoded.
func (w *Writer) Write(c *batch.Column) error {
	if w.err != nil {
		return w.err
	}
	if w.closed {
		return errors.New("the writer is closed")
	}
	if err := complete(c, w.typ, true); err != nil {
		return err
	}
	for from := 0; from < c.Len; {
		n := min(c.Len-from, w.o.RowGroupRows-w.rows)
		part := c
		if n < c.Len {
			part = c.Slice(from, from+n)
		}
		w.pending = append(w.pending, part)
		w.rows += n
		w.held += part.SizeBytes()
		from += n
		if w.rows == w.o.RowGroupRows {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// complete refuses a column that is not of type t or lacks children. Nulls are
// refused where the type has none, unless a struct around them may be null.
func complete(c *batch.Column, t *batch.Type, present bool) error {
	if c == nil {
		return fmt.Errorf("a column of type %s is missing", t)
	}
	if len(c.Children) != len(t.Fields) || c.Type != t && c.Type.Kind != t.Kind {
		return fmt.Errorf("a column of type %s came where the file has %s", c.Type, t)
	}
	if present && c.Valid != nil && !t.Nullable && c.Valid.Count(c.Len) < c.Len {
		return fmt.Errorf("a column of type %s has a null", t)
	}
	for i, f := range t.Fields {
		if err := complete(c.Children[i], f.Type, present && !t.Nullable); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

// flush gives the pending rows to an encoder and writes what is ready.
func (w *Writer) flush() error {
	if len(w.running) >= max(1, w.o.Background) {
		if err := w.collect(); err != nil {
			return err
		}
	}
	e, err := w.o.Pool.get(&w.o)
	if err != nil {
		w.err = err
		return err
	}
	parts := w.pending
	done := make(chan encoded, 1)
	w.running, w.encode = append(w.running, done), append(w.encode, w.held)
	w.pending, w.rows, w.held = nil, 0, 0
	if w.o.Background == 0 {
		done <- e.run(w.schema.columns, parts)
		return w.collect()
	}
	go func() { done <- e.run(w.schema.columns, parts) }()
	return nil
}

func (e *encoder) run(columns []*column, parts []*batch.Column) (r encoded) {
	r.encoder = e
	defer guard(&r.err, func() string { return "a batch to be written" })
	r.group, r.indexes, r.err = e.rowGroup(columns, parts)
	return r
}

// collect waits for the oldest row group and writes it.
func (w *Writer) collect() error {
	r := <-w.running[0]
	w.running, w.encode = w.running[1:], w.encode[1:]
	defer w.o.Pool.put(r.encoder)
	if w.err == nil {
		w.err = r.err
	}
	if w.err != nil {
		return w.err
	}
	base := w.written
	for i := range r.group.Columns {
		c := &r.group.Columns[i]
		c.FileOffset += base
		c.MetaData.DataPageOffset += base
		if c.MetaData.DictionaryPageOffset != 0 || c.MetaData.Encoding[0] == format.RLEDictionary {
			c.MetaData.DictionaryPageOffset += base
		}
	}
	for i := range r.indexes {
		for k := range r.indexes[i].pages.PageLocations {
			r.indexes[i].pages.PageLocations[k].Offset += base
		}
	}
	r.group.FileOffset = base
	r.group.Ordinal = int16(len(w.groups))
	w.groups = append(w.groups, r.group)
	w.indexes = append(w.indexes, r.indexes)
	w.total += r.group.NumRows
	return w.write(r.encoder.out)
}

// Rows returns how many rows were given to Write and encoded so far.
func (w *Writer) Rows() int64 { return w.total + int64(w.rows) }

// SizeBytes estimates the memory of the rows that are not in the file yet.
func (w *Writer) SizeBytes() int64 {
	n := w.held
	for _, bytes := range w.encode {
		n += 2 * bytes // with what is made of them
	}
	return n
}

// Close writes the last row group and the footer and returns the size of the
// file in bytes. A file without rows is complete too: it has the columns.
func (w *Writer) Close() (int64, error) {
	if w.closed {
		return w.written, w.err
	}
	if w.err == nil && w.rows > 0 {
		_ = w.flush() // kept in w.err
	}
	for len(w.running) > 0 {
		_ = w.collect()
	}
	w.closed = true
	if w.err != nil {
		return w.written, w.err
	}
	if err := w.writeIndexes(); err != nil {
		return w.written, err
	}
	meta := format.FileMetaData{Version: 2, Schema: w.schema.elements, NumRows: w.total, RowGroups: w.groups, CreatedBy: "leat version 1"}
	for range w.schema.columns {
		meta.ColumnOrders = append(meta.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
	if err != nil {
		w.err = err
		return w.written, err
	}
	footer = append(footer, byte(len(footer)), byte(len(footer)>>8), byte(len(footer)>>16), byte(len(footer)>>24))
	return w.written, w.write(append(footer, magic...))
}

// writeIndexes writes the page indexes, which stand between the last row group
// and the footer: the bounds of all pages first, then their places.
func (w *Writer) writeIndexes() error {
	put := func(v any, offset *int64, length *int32) error {
		b, err := thrift.Marshal(new(thrift.CompactProtocol), v)
		if err != nil {
			w.err = err
			return err
		}
		*offset, *length = w.written, int32(len(b))
		return w.write(b)
	}
	for g, indexes := range w.indexes {
		for i := range indexes {
			c := &w.groups[g].Columns[i]
			if indexes[i].bounds == nil {
				continue
			}
			if err := put(indexes[i].bounds, &c.ColumnIndexOffset, &c.ColumnIndexLength); err != nil {
				return err
			}
		}
	}
	for g, indexes := range w.indexes {
		for i := range indexes {
			c := &w.groups[g].Columns[i]
			if err := put(&indexes[i].pages, &c.OffsetIndexOffset, &c.OffsetIndexLength); err != nil {
				return err
			}
		}
	}
	return nil
}

// Abort waits for row groups in the background and forgets them. It may be
// called after Close.
func (w *Writer) Abort() {
	for _, r := range w.running {
		<-r
	}
	w.running, w.encode, w.pending, w.held, w.closed = nil, nil, nil, 0, true
	if w.err == nil {
		w.err = errors.New("the writer was aborted")
	}
}
