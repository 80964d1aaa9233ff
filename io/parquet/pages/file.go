package pages

import (
	"fmt"
	"io"

	"github.com/leatflow/leat/sdk/batch"
)

// Options say how a file is read.
type Options struct {
	// Name of the file in error messages.
	Name string
	// Window is how many bytes of a column chunk are read at a time; zero means
	// 256 KiB, fit for a local disk. Over a network use a value as large as the
	// chunks, so that each is one request.
	Window int
}

// File is an open Parquet file. It is safe for concurrent use if its ReaderAt is.
type File struct {
	r      io.ReaderAt
	o      Options
	root   *Node
	groups []*RowGroup
	rows   int64
	end    int64 // where the footer begins
}

// Open reads and checks the footer. Nothing is believed of it that later reading
// depends on: offsets lie in the file, counts agree with each other.
func Open(r io.ReaderAt, size int64, o Options) (f *File, err error) {
	defer guard(&err, func() string { return o.Name })
	if o.Window <= 0 {
		o.Window = 256 << 10
	}
	m, end, err := readFooter(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s %w", o.Name, err)
	}
	root, leaves, err := buildSchema(m.schema)
	if err != nil {
		return nil, fmt.Errorf("%s %w", o.Name, err)
	}
	f = &File{r: r, o: o, root: root, rows: m.rows, end: end}
	var sum int64
	for i := range m.groups {
		g := &RowGroup{file: f, index: i, meta: m.groups[i]}
		if err := g.check(leaves, end); err != nil {
			return nil, fmt.Errorf("%s: row group %d %w", o.Name, i, err)
		}
		if sum += g.meta.rows; sum < 0 {
			return nil, fmt.Errorf("%s declares more rows than can be counted", o.Name)
		}
		f.groups = append(f.groups, g)
	}
	if sum != m.rows {
		return nil, fmt.Errorf("%s declares %d rows, but its row groups have %d", o.Name, m.rows, sum)
	}
	return f, nil
}

// guard turns a panic under it, which a damaged file might cause in a library,
// into an error.
func guard(err *error, place func() string) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s is damaged: decoding it failed with: %v", place(), p)
	}
}

// Name returns the name the file was opened under.
func (f *File) Name() string { return f.o.Name }

// Rows returns the number of rows.
func (f *File) Rows() int64 { return f.rows }

// Schema returns the columns: the children of a root struct.
func (f *File) Schema() *Node { return f.root }

// Type returns the type of the rows. Columns of unsupported types have the kind
// Invalid; Node.Unsupported says why.
func (f *File) Type() *batch.Type { return f.root.Type }

// RowGroups returns the row groups in file order.
func (f *File) RowGroups() []*RowGroup { return f.groups }

// RowGroup is a horizontal slice of a file, the unit of parallel reading.
type RowGroup struct {
	file  *File
	index int
	meta  groupMeta
}

// check makes sure that the chunks lie in the file before end and fit the rows.
func (g *RowGroup) check(leaves int, end int64) error {
	if len(g.meta.chunks) != leaves {
		return fmt.Errorf("has %d column chunks where the schema has %d columns", len(g.meta.chunks), leaves)
	}
	if g.meta.rows < 0 {
		return fmt.Errorf("declares %d rows", g.meta.rows)
	}
	var err error
	g.file.root.leaves(func(n *Node) {
		if err != nil {
			return
		}
		c := &g.meta.chunks[n.leaf.index]
		start, _ := c.extent()
		switch {
		case c.elsewhere:
			err = fmt.Errorf("has column %q in another file, which is not supported", n.leaf.path)
		case c.compressed < 0 || start < 4 || start > end || c.compressed > end-start || c.data > start+c.compressed:
			err = fmt.Errorf("has column %q at bytes %d to %d+%d, outside of the file's data", n.leaf.path, start, start, c.compressed)
		case int(c.physical) != n.leaf.physical:
			err = fmt.Errorf("has column %q with physical type %d where the schema has %d", n.leaf.path, c.physical, n.leaf.physical)
		case c.values < g.meta.rows || n.rep == 0 && c.values != g.meta.rows:
			err = fmt.Errorf("has %d values in column %q, but %d rows", c.values, n.leaf.path, g.meta.rows)
		}
	})
	return err
}

// Index returns the position of the row group in its file.
func (g *RowGroup) Index() int { return g.index }

// Rows returns the number of rows.
func (g *RowGroup) Rows() int64 { return g.meta.rows }

// Bytes returns the compressed size of the columns under n.
func (g *RowGroup) Bytes(n *Node) int64 {
	var sum int64
	n.leaves(func(l *Node) { sum += g.meta.chunks[l.leaf.index].compressed })
	return sum
}
