package columns

import (
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
)

// Pieces are the encoded values of one column, one a row. An encoder renders
// column by column, each in one loop, and puts rows together from the pieces:
//
//	user   "ann" "bob"     Data and, for each row, where its piece is
//	delay  4 null          ──▶  {"user":"ann","delay":4}
//	                            {"user":"bob","delay":null}
//
// A dictionary is rendered once and its rows point into it. Data and Rows are
// kept from batch to batch.
//
// A value that the format cannot hold leaves a piece that is broken, since it may
// stand in a struct that is null, where it does not matter: whoever puts a row
// together from broken pieces fails, or breaks in turn.
type Pieces struct {
	Data []byte
	Rows []Span

	dict  []Span
	wrong []error // of broken pieces
}

// Span is a part of Pieces.Data.
type Span struct{ From, To int }

// Broken reports whether the piece stands for a value that cannot be written.
func (s Span) Broken() bool { return s.From < 0 }

// wrongMax bounds the errors that are made for rows nobody may ever see.
const wrongMax = 64

// Fail makes the next row's piece a broken one.
func (p *Pieces) Fail(format string, args ...any) {
	if len(p.wrong) < wrongMax {
		p.wrong = append(p.wrong, fmt.Errorf(format, args...))
	}
	p.Rows = append(p.Rows, Span{From: -1, To: len(p.wrong) - 1})
}

// Wrong returns the error of a broken piece, or one like it when there are many.
func (p *Pieces) Wrong(s Span) error { return p.wrong[s.To] }

// Reset empties the pieces; Data begins with a piece that rows may share.
func (p *Pieces) Reset(shared string) {
	p.Data = append(p.Data[:0], shared...)
	p.Rows, p.wrong = p.Rows[:0], p.wrong[:0]
}

// End ends the row that begins at from, and returns where the next one does.
func (p *Pieces) End(from int) int {
	p.Rows = append(p.Rows, Span{from, len(p.Data)})
	return len(p.Data)
}

// Strings renders the values of a column of strings or bytes: each value of a
// dictionary once, unless that has more than the column has rows.
func (p *Pieces) Strings(c *batch.Column, write func(dst, v []byte) []byte) {
	from := len(p.Data)
	switch {
	case c.Dict == nil:
		for i := range c.Len {
			p.Data = write(p.Data, c.Strings.Bytes(i))
			from = p.End(from)
		}
	case c.Dict.Len() > c.Len:
		for i := range c.Len {
			p.Data = write(p.Data, c.Bytes(i))
			from = p.End(from)
		}
	default:
		for i := range c.Dict.Len() {
			p.Data = write(p.Data, c.Dict.Bytes(i))
			from = p.End(from)
		}
		p.dict, p.Rows = p.Rows, p.dict[:0]
		for _, code := range c.Codes {
			p.Rows = append(p.Rows, p.dict[code])
		}
	}
}

// Payloads appends each row behind a header to dst, and where it ends to ends. With
// a broken one among them nothing is appended.
func (p *Pieces) Payloads(dst []byte, ends []int, header []byte) ([]byte, []int, error) {
	size, count := len(dst), len(ends)
	for i, row := range p.Rows {
		if row.Broken() {
			return dst[:size], ends[:count], fmt.Errorf("row %d of %d: %w", i+1, len(p.Rows), p.Wrong(row))
		}
		dst = append(dst, header...)
		dst = append(dst, p.Data[row.From:row.To]...)
		ends = append(ends, len(dst))
	}
	return dst, ends, nil
}

// Nulls points the rows of a column that are null to a shared piece.
func (p *Pieces) Nulls(c *batch.Column, piece Span) {
	if c.Valid == nil {
		return
	}
	for i := range p.Rows {
		if !c.Valid.Get(i) {
			p.Rows[i] = piece
		}
	}
}

// Elements returns the rows of child i that the column's rows point to: all of
// them, unless the column is a slice of a longer list column.
func Elements(c *batch.Column, i int) *batch.Column {
	child := c.Children[i]
	if c.Type.Kind.Form() != batch.ListForm || len(c.Offsets) == 0 {
		return child
	}
	from, to := int(c.Offsets[0]), int(c.Offsets[c.Len])
	if from == 0 && to == child.Len {
		return child
	}
	return child.Slice(from, to)
}
