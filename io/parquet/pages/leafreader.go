package pages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/leatflow/leat/sdk/batch"
)

// leafReader decodes one column chunk, some rows at a time.
type leafReader struct {
	leaf  *leaf
	typ   *batch.Type
	chunk chunk
	left  int64 // values (slots) of the chunk in pages not begun; with located at most so many
	row   int64 // the next one, of the row group

	located *located // how to leave out pages; nil: all are read, in order

	// The page at hand.
	page       int // values (slots) left of it
	defs, reps hybrid
	values     decoder

	dict   dictionary
	sawAny bool    // a data page was read: no dictionary may follow
	levels []uint8 // definition levels of the page part at hand
	ahead  []uint8 // repetition levels of the page that were read and not used yet
}

func newLeafReader(l *leaf, t *batch.Type, r io.ReaderAt, m *chunkMeta, window int) *leafReader {
	start, end := m.extent()
	lr := &leafReader{leaf: l, typ: t, left: m.values,
		chunk: chunk{r: r, off: start, end: end, window: window, codec: m.codec}}
	lr.chunk.furnish()
	return lr
}

// extent returns where the pages of a chunk are.
func (m *chunkMeta) extent() (start, end int64) {
	start = m.data
	if m.dictionary > 0 && m.dictionary < start {
		start = m.dictionary
	}
	return start, start + m.compressed
}

// nextPage moves to the next data page with values, taking in a dictionary page
// on the way.
func (r *leafReader) nextPage() error {
	if r.located != nil {
		return r.nextLocated()
	}
	for {
		if r.left == 0 {
			return errFewValues
		}
		h, b, err := r.chunk.next()
		if err != nil {
			return err
		}
		switch h.kind {
		case pageDictionary:
			if err := r.readDictionary(&h, b); err != nil {
				return err
			}
		case pageData, pageDataV2:
			if h.values == 0 && h.hasBody {
				r.sawAny = true
				continue
			}
			return r.beginPage(&h, b)
		}
	}
}

var errFewValues = errors.New("has fewer values than rows")

// beginPage makes a data page the one at hand.
func (r *leafReader) beginPage(h *header, b []byte) error {
	r.sawAny = true
	if !h.hasBody {
		return fmt.Errorf("has a data page without its header")
	}
	if int64(h.values) > r.left {
		return fmt.Errorf("has a page of %d values where %d are left", h.values, r.left)
	}
	r.left -= int64(h.values)
	r.page = int(h.values)
	return r.openPage(h, b)
}

// openPage finds levels and values in a page and sets up their decoders.
func (r *leafReader) openPage(h *header, b []byte) error {
	var err error
	if h.kind == pageDataV2 {
		reps, defs := b[:h.repBytes], b[h.repBytes:h.repBytes+h.defBytes]
		b = b[h.repBytes+h.defBytes:]
		if r.reps, err = newHybrid(reps, bitsFor(r.leaf.maxRep)); err != nil {
			return err
		}
		if r.defs, err = newHybrid(defs, bitsFor(r.leaf.maxDef)); err != nil {
			return err
		}
		return r.openValues(h.encoding, b)
	}
	if r.leaf.maxRep > 0 {
		if r.reps, b, err = prefixed(b, h.repEncoding, r.leaf.maxRep); err != nil {
			return fmt.Errorf("repetition levels: %w", err)
		}
	}
	if r.leaf.maxDef > 0 {
		if r.defs, b, err = prefixed(b, h.defEncoding, r.leaf.maxDef); err != nil {
			return fmt.Errorf("definition levels: %w", err)
		}
	}
	return r.openValues(h.encoding, b)
}

// prefixed returns the levels at the beginning of b, whose length stands before
// them, and what follows.
func prefixed(b []byte, encoding int32, max int) (hybrid, []byte, error) {
	if encoding != encRLE {
		return hybrid{}, nil, fmt.Errorf("have the encoding %d, which is not supported", encoding)
	}
	if len(b) < 4 {
		return hybrid{}, nil, errLevels
	}
	n := binary.LittleEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return hybrid{}, nil, fmt.Errorf("take %d bytes of a page with %d", n, len(b)-4)
	}
	h, err := newHybrid(b[4:4+n], bitsFor(max))
	return h, b[4+n:], err
}

// flat reads the next n rows of a leaf outside of lists whose only null is its own.
func (r *leafReader) flat(n int) (*batch.Column, error) {
	v := newVector(r.typ.Kind.Form(), n)
	var valid batch.Bitmap
	for got := 0; got < n; {
		if r.page == 0 {
			if err := r.nextPage(); err != nil {
				return nil, err
			}
		}
		m := min(n-got, r.page)
		defs, count, err := r.definitions(m)
		if err != nil {
			return nil, err
		}
		if err := r.append(v, count); err != nil {
			return nil, err
		}
		if count < m && valid == nil {
			valid = batch.NewBitmap(n)
			setRange(valid, 0, got)
		}
		if count < m {
			v.spread(r.typ.Kind.Form(), count, defs, uint8(r.leaf.maxDef))
			setWhere(valid, got, defs, uint8(r.leaf.maxDef))
		} else if valid != nil {
			setRange(valid, got, got+m)
		}
		r.page -= m
		got += m
	}
	r.row += int64(n)
	return v.column(r.typ, n, valid), nil
}

// definitions returns the next m definition levels and how many of them stand
// for a value; nil levels when all do.
func (r *leafReader) definitions(m int) ([]uint8, int, error) {
	max := r.leaf.maxDef
	if max == 0 || r.defs.constant(m, int32(max)) {
		return nil, m, nil
	}
	if cap(r.levels) < m {
		r.levels = make([]uint8, m)
	}
	defs := r.levels[:m]
	if err := r.defs.levels(defs, max); err != nil {
		return nil, 0, fmt.Errorf("definition levels: %w", err)
	}
	count := 0
	for _, d := range defs {
		if d == uint8(max) {
			count++
		}
	}
	return defs, count, nil
}

func setWhere(b batch.Bitmap, from int, defs []uint8, max uint8) {
	for i, d := range defs {
		if d == max {
			b.Set(from + i)
		}
	}
}

func setRange(b batch.Bitmap, from, to int) {
	for i := from; i < to; i++ {
		b.Set(i)
	}
}

func newVector(f batch.Form, n int) *vector {
	v := &vector{rows: n}
	switch f {
	case batch.IntForm:
		v.ints = make([]int64, 0, n)
	case batch.FloatForm:
		v.floats = make([]float64, 0, n)
	case batch.BoolForm:
		v.bools = make([]bool, 0, n)
	}
	return v
}

// append decodes the next count values of the page at hand.
func (r *leafReader) append(v *vector, count int) error {
	d := &r.values
	if d.strings {
		return r.appendStrings(v, count)
	}
	switch r.typ.Kind.Form() {
	case batch.IntForm:
		dst := extend(&v.ints, count)
		if err := d.ints(dst, &r.dict); err != nil {
			return err
		}
		if d.coded {
			return nil // converted when the dictionary was read
		}
		return r.leaf.convertInts(dst)
	case batch.FloatForm:
		return d.floats(extend(&v.floats, count), &r.dict)
	case batch.BoolForm:
		return d.bools(extend(&v.bools, count))
	}
	return fmt.Errorf("has the type %s, which is not stored", r.typ)
}

// appendStrings keeps codes as long as there are only codes.
func (r *leafReader) appendStrings(v *vector, count int) error {
	if count == 0 {
		return nil
	}
	d := &r.values
	if !d.coded {
		if err := v.toPlain(); err != nil {
			return err
		}
		return d.plainStrings(&v.strings, count)
	}
	if r.dict.strings != nil {
		v.dict = r.dict.strings
	}
	if v.plain {
		codes := r.dict.scratch(count)
		if err := d.codes(codes, r.dict.size); err != nil {
			return err
		}
		return v.appendCodes(codes, v.dict)
	}
	if v.codes == nil {
		v.codes = make([]int32, 0, max(v.rows, count))
	}
	return d.codes(extend(&v.codes, count), r.dict.size)
}
