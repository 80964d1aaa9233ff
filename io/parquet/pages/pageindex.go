package pages

import (
	"fmt"
	"io"
	"slices"
)

// PageIndex reads the page indexes of a row group, which say where the pages of its
// columns are and what bounds their values have. They stand apart from the footer
// and from the pages.
//
// An index is an offer. One that is absent, damaged, or not possible in its row
// group is as if it were not there, and reading does without. One that is possible
// but contradicts a page is found when the page is read, and is ErrIndex. One that
// is wrong about pages it has left out cannot be found.
type PageIndex struct {
	group *RowGroup
	r     io.ReaderAt
	buf   []byte // of the file from off on: indexes lie side by side
	off   int64
	found map[*leaf]*locations // nil: there are none
}

// indexWindow is how many bytes are read at a time.
const indexWindow = 64 << 10

// PageIndex returns the page indexes of the row group, to be read from r, a handle of
// its file. It is used by one goroutine.
func (g *RowGroup) PageIndex(r io.ReaderAt) *PageIndex {
	return &PageIndex{group: g, r: r, found: map[*leaf]*locations{}}
}

// Column is ColumnFrom for the given rows only, which ascend and do not overlap.
// Pages without any of them are not read where the index says where they are.
func (x *PageIndex) Column(n *Node, rows []Range) (*ColumnReader, error) {
	end := int64(0)
	for _, r := range rows {
		if r.From < end || r.To < r.From || r.To > x.group.meta.rows {
			return nil, fmt.Errorf("%s: rows %d to %d of row group %d are out of order or not there", x.group.file.o.Name, r.From, r.To, x.group.index)
		}
		end = r.To
	}
	c, err := x.group.ColumnFrom(x.r, n)
	if err != nil {
		return nil, err
	}
	c.rows = slices.Clone(rows)
	for _, l := range c.leaves {
		at, err := x.locations(l.leaf)
		if err != nil {
			return nil, err
		}
		if at != nil {
			l.located = newLocated(at, rows, l.chunk.window)
		}
	}
	return c, nil
}

// Pages returns the statistics of each page of a leaf outside of lists, whose
// rows are together those of the row group; nil when there is no index.
func (x *PageIndex) Pages(n *Node) ([]Stats, error) {
	if !n.hasStats() {
		return nil, nil
	}
	at, err := x.locations(n.leaf)
	if at == nil || err != nil {
		return nil, err
	}
	b, err := x.read(x.group.meta.chunks[n.leaf.index].bounds)
	if b == nil || err != nil {
		return nil, err
	}
	w := &wire{b: b}
	v := w.columnIndex()
	pages := len(at.row) - 1
	if w.err != nil || len(v.null) != pages || len(v.low) != pages || len(v.high) != pages || v.nulls != nil && len(v.nulls) != pages {
		return nil, nil
	}
	out := make([]Stats, pages)
	for i := range out {
		rows, nulls := at.row[i+1]-at.row[i], int64(-1)
		if v.nulls != nil {
			nulls = v.nulls[i]
		}
		switch {
		case v.null[i] && n.leaf.maxDef > 0:
			out[i] = Stats{Nulls: rows, Rows: rows}
		case v.null[i] || nulls == rows: // the index contradicts itself
			out[i] = Stats{Nulls: -1, Rows: rows}
		default:
			out[i] = n.stats(rows, nulls, v.low[i], v.high[i])
		}
	}
	return out, nil
}

// read returns a piece of the file, nil when there is no such piece.
func (x *PageIndex) read(s span) ([]byte, error) {
	end := x.group.file.end
	if s.length <= 0 || s.length > indexMax || s.offset < int64(len(magic)) || s.offset > end-s.length {
		return nil, nil
	}
	if s.offset < x.off || s.offset+s.length > x.off+int64(len(x.buf)) {
		b := make([]byte, min(max(s.length, indexWindow), end-s.offset))
		if err := readFull(x.r, b, s.offset); err != nil {
			return nil, fmt.Errorf("%s: page index: %w", x.group.file.o.Name, err)
		}
		x.buf, x.off = b, s.offset
	}
	from := s.offset - x.off
	return x.buf[from : from+s.length], nil
}

// locations returns where the pages of a leaf are, nil when it is not known.
func (x *PageIndex) locations(l *leaf) (*locations, error) {
	if at, ok := x.found[l]; ok {
		return at, nil
	}
	c := &x.group.meta.chunks[l.index]
	b, err := x.read(c.locations)
	if err != nil {
		return nil, err
	}
	var at *locations
	if b != nil {
		w := &wire{b: b}
		at = w.offsetIndex(x.group.meta.rows, c)
		if w.err != nil {
			at = nil
		}
	}
	x.found[l] = at
	return at, nil
}

// offsetIndex reads an OffsetIndex and checks it: pages follow each other without
// a gap up to the end of the chunk, and each has a row.
func (w *wire) offsetIndex(rows int64, c *chunkMeta) *locations {
	at := &locations{}
	start, end := c.extent()
	next := int64(-1) // where the page read last ends
	w.fields(func(id int, t byte) {
		if id != 1 {
			w.skip(t)
			return
		}
		w.list(t, func(elem byte) {
			offset, size, row := int64(-1), int64(-1), int64(-1)
			w.structure(elem, func(id int, t byte) {
				switch id {
				case 1:
					offset = w.int(t)
				case 2:
					size = w.int(t)
				case 3:
					row = w.int(t)
				default:
					w.skip(t)
				}
			})
			n := len(at.row)
			switch {
			case n == 0 && (offset < start || row != 0), n > 0 && (offset != next || row <= at.row[n-1]), n == indexPagesMax:
				w.failf("has a page that is not next to the one before it")
			case size <= 0 || offset > end-size || row >= rows:
				w.failf("has a page outside of its chunk")
			default:
				at.offset, at.row, next = append(at.offset, offset), append(at.row, row), offset+size
			}
		})
	})
	if next != end {
		w.failf("has too few pages")
	}
	at.offset, at.row = append(at.offset, next), append(at.row, rows)
	return at
}

// columnIndex is what is read of a ColumnIndex: by page.
type columnIndex struct {
	null      []bool // a page of nulls only, without bounds
	low, high [][]byte
	nulls     []int64
}

func (w *wire) columnIndex() (x columnIndex) {
	w.fields(func(id int, t byte) {
		if id != 1 && id != 2 && id != 3 && id != 5 {
			w.skip(t)
			return
		}
		n := 0
		w.list(t, func(elem byte) {
			if n++; n > indexPagesMax {
				w.failf("has more than %d pages", indexPagesMax)
			}
			switch id {
			case 1:
				if elem != wireTrue && elem != wireFalse {
					w.expect(elem, wireTrue)
				}
				x.null = append(x.null, w.byte() == wireTrue)
			case 2:
				x.low = append(x.low, w.binary(elem))
			case 3:
				x.high = append(x.high, w.binary(elem))
			case 5:
				x.nulls = append(x.nulls, w.int(elem))
			}
		})
	})
	return x
}
