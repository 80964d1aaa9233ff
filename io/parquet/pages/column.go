package pages

import (
	"fmt"
	"io"

	"github.com/leatflow/leat/sdk/batch"
)

// Range is some rows of a row group, counted from its first: From … To-1.
type Range struct{ From, To int64 }

// Column opens a column of the row group, at any depth of the schema outside of
// lists, for reading from its beginning.
func (g *RowGroup) Column(n *Node) (*ColumnReader, error) { return g.ColumnFrom(g.file.r, n) }

// ColumnFrom is Column reading from r, another handle of the same file: so a file
// need not stay open between its footer and its columns.
func (g *RowGroup) ColumnFrom(r io.ReaderAt, n *Node) (*ColumnReader, error) {
	if u := n.Unsupported(); u != nil {
		return nil, fmt.Errorf("%s: column %q cannot be read: it is %s", g.file.o.Name, u.Name, u.Why)
	}
	c := &ColumnReader{group: g, node: n, rows: []Range{{0, g.meta.rows}}}
	n.leaves(func(l *Node) {
		c.leaves = append(c.leaves, newLeafReader(l.leaf, l.Type, r, &g.meta.chunks[l.leaf.index], g.file.o.Window))
	})
	c.flat = len(c.leaves) == 1 && n.leaf != nil && n.leaf.maxRep == 0 && n.parentDef == 0
	return c, nil
}

// ColumnReader reads one column of a row group. It is used by one goroutine.
type ColumnReader struct {
	group  *RowGroup
	node   *Node
	leaves []*leafReader
	rows   []Range // to be read, the next one first
	flat   bool
}

// Next returns the next n rows, fewer at the end of a range of rows, and io.EOF
// behind the last. The column is the caller's: it shares no memory with the
// reader but the dictionary. After an error the reader is of no use.
func (c *ColumnReader) Next(n int) (col *batch.Column, err error) {
	at := c.leaves[0]
	defer guard(&err, func() string { return c.place(at) })
	for len(c.rows) > 0 && c.rows[0].From == c.rows[0].To {
		c.rows = c.rows[1:]
	}
	if len(c.rows) == 0 || n <= 0 {
		return nil, io.EOF
	}
	next := &c.rows[0]
	n = int(min(int64(n), next.To-next.From))
	for _, at = range c.leaves {
		if err := at.seek(next.From); err != nil {
			return nil, c.wrap(at, err)
		}
	}
	next.From += int64(n)
	if c.flat {
		col, err = at.flat(n)
		return col, c.wrap(at, err)
	}
	get := make(map[*leaf]*striped, len(c.leaves))
	for _, at = range c.leaves {
		s, err := at.striped(n)
		if err != nil {
			return nil, c.wrap(at, err)
		}
		get[at.leaf] = s
	}
	col, err = c.node.assemble(get)
	if err == nil && col.Len != n {
		err = fmt.Errorf("has %d rows where %d were expected", col.Len, n)
	}
	return col, c.wrap(c.leaves[0], err)
}

// Close gives the reader's memory to others. It must not be used any more.
func (c *ColumnReader) Close() {
	for _, l := range c.leaves {
		l.chunk.close()
	}
	c.rows = nil
}

func (c *ColumnReader) place(r *leafReader) string {
	return fmt.Sprintf("%s: row group %d: column %q", c.group.file.o.Name, c.group.index, r.leaf.path)
}

func (c *ColumnReader) wrap(r *leafReader, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %w", c.place(r), err)
}
