package pages

import (
	"bytes"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go/format"

	"github.com/leatflow/leat/sdk/batch"
)

// indexBytes is where strings are cut in a page index.
const indexBytes = 64

// chunkIndex is the page index of a chunk: where its pages are and what bounds
// their values have. bounds is nil for columns inside of lists, whose pages are
// not pages of rows, and where a page has no bounds.
type chunkIndex struct {
	pages  format.OffsetIndex
	bounds *format.ColumnIndex
}

func indexOf(c *column, pages []pageMark) chunkIndex {
	var x chunkIndex
	for _, p := range pages {
		x.pages.PageLocations = append(x.pages.PageLocations, format.PageLocation{Offset: p.offset, CompressedPageSize: int32(p.size), FirstRowIndex: p.row})
	}
	if c.maxRep == 0 {
		x.bounds = pageBounds(c, pages)
	}
	return x
}

// pageBounds returns nil where a page has a NaN, as statistics do, or strings
// that cannot be shortened.
func pageBounds(c *column, pages []pageMark) *format.ColumnIndex {
	x := &format.ColumnIndex{}
	up, down := true, true
	var before *extremes
	for i := range pages {
		p := &pages[i]
		x.NullPages = append(x.NullPages, !p.seen)
		x.NullCounts = append(x.NullCounts, p.nulls)
		if !p.seen {
			x.MinValues, x.MaxValues = append(x.MinValues, []byte{}), append(x.MaxValues, []byte{})
			continue
		}
		bounds := p.extremes
		if p.nan || c.physical == format.ByteArray && !bounds.shorten(c.typ.Kind == batch.String) {
			return nil
		}
		x.MinValues, x.MaxValues = append(x.MinValues, c.store(&bounds, 0)), append(x.MaxValues, c.store(&bounds, 1))
		if before != nil {
			low, high := c.compare(before, &bounds, 0), c.compare(before, &bounds, 1)
			up, down = up && low <= 0 && high <= 0, down && low >= 0 && high >= 0
		}
		before = &bounds
	}
	switch {
	case up:
		x.BoundaryOrder = format.Ascending
	case down:
		x.BoundaryOrder = format.Descending
	}
	return x
}

// shorten cuts long strings: the lower bound to a beginning of itself, the upper
// one to a beginning with its last character raised, which is above all that
// begin so. It fails when that has no last character to raise.
func (x *extremes) shorten(utf bool) bool {
	if len(x.text[0]) > indexBytes {
		x.text[0] = beginning(x.text[0], utf)
	}
	if len(x.text[1]) <= indexBytes {
		return true
	}
	cut := beginning(x.text[1], utf)
	if utf && utf8.Valid(cut) {
		x.text[1] = raiseRune(cut)
	} else {
		x.text[1] = raiseByte(cut)
	}
	return x.text[1] != nil
}

// beginning returns at most indexBytes of v, whole characters of them.
func beginning(v []byte, utf bool) []byte {
	cut := v[:indexBytes]
	for n := indexBytes; utf && n > indexBytes-utf8.UTFMax; n-- {
		if utf8.RuneStart(v[n]) {
			return v[:n]
		}
	}
	return cut
}

// raiseRune raises the last character that can be and drops those behind it.
func raiseRune(v []byte) []byte {
	for len(v) > 0 {
		r, size := utf8.DecodeLastRune(v)
		v = v[:len(v)-size]
		if r++; r == 0xd800 { // behind the surrogates, which are no characters
			r = 0xe000
		}
		if r <= utf8.MaxRune {
			return utf8.AppendRune(bytes.Clone(v), r)
		}
	}
	return nil
}

// raiseByte is raiseRune for bytes.
func raiseByte(v []byte) []byte {
	for ; len(v) > 0; v = v[:len(v)-1] {
		if last := len(v) - 1; v[last] < 0xff {
			out := bytes.Clone(v)
			out[last]++
			return out
		}
	}
	return nil
}
