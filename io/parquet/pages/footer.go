package pages

import (
	"encoding/binary"
	"fmt"
	"io"
)

const magic = "PAR1"

// The footer, as far as reading needs it. -1 stands for an absent number.
type (
	metadata struct {
		schema []element
		rows   int64
		groups []groupMeta
	}
	element struct {
		name                                       string
		physical, repetition, children, length     int32
		converted, scale                           int32
		logical, logicalBits, logicalUnit, decimal int
		logicalSigned                              bool
	}
	groupMeta struct {
		chunks []chunkMeta
		rows   int64
	}
	chunkMeta struct {
		physical, codec                        int32
		values, compressed, data, dictionary   int64
		nulls                                  int64
		low, high                              []byte // min_value and max_value; nil: absent
		oldLow, oldHigh                        []byte // their deprecated forerunners, signed comparison
		locations, bounds                      span   // where its page index is
		hasData, hasSize, hasValues, elsewhere bool
	}
)

// span is a piece of a file; without a length it is absent.
type span struct{ offset, length int64 }

// readFooter finds, checks and parses the footer. end is where it begins, so
// where column data must have ended.
func readFooter(r io.ReaderAt, size int64) (m *metadata, end int64, err error) {
	var tail [8]byte
	if size == 0 {
		return nil, 0, fmt.Errorf("is empty: a Parquet file has at least 12 bytes")
	}
	if size < 12 {
		return nil, 0, fmt.Errorf("has %d bytes: a Parquet file has at least 12", size)
	}
	if err := readFull(r, tail[:], size-8); err != nil {
		return nil, 0, err
	}
	var head [4]byte
	if err := readFull(r, head[:], 0); err != nil {
		return nil, 0, err
	}
	if string(tail[4:]) == "PARE" || string(head[:]) == "PARE" {
		return nil, 0, fmt.Errorf("is encrypted, which is not supported: decrypt it first")
	}
	if string(head[:]) != magic {
		return nil, 0, fmt.Errorf("begins with %q instead of %q: it is not a Parquet file", head, magic)
	}
	if string(tail[4:]) != magic {
		return nil, 0, fmt.Errorf("ends with %q instead of %q: it is truncated or not a Parquet file", tail[4:], magic)
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	if length > size-12 {
		return nil, 0, fmt.Errorf("declares a footer of %d bytes, but has only %d bytes: it is truncated or not a Parquet file", length, size)
	}
	if length > footerMax {
		return nil, 0, fmt.Errorf("declares a footer of %d bytes; at most %d are read", length, footerMax)
	}
	footer := make([]byte, length)
	end = size - 8 - length
	if err := readFull(r, footer, end); err != nil {
		return nil, 0, err
	}
	w := &wire{b: footer}
	m = w.metadata()
	if w.err != nil {
		return nil, 0, fmt.Errorf("has a damaged footer: it %w", w.err)
	}
	return m, end, nil
}

// readFull reads len(b) bytes at off or says what is missing.
func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == io.EOF || err == nil {
		return fmt.Errorf("ends at byte %d where %d more were expected: it is truncated", off+int64(n), len(b)-n)
	}
	return err
}

func (w *wire) metadata() *metadata {
	m := &metadata{rows: -1}
	w.fields(func(id int, t byte) {
		switch id {
		case 2:
			w.list(t, func(elem byte) {
				if len(m.schema) >= columnsMax {
					w.failf("has more than %d schema elements", columnsMax)
					return
				}
				m.schema = append(m.schema, w.element(elem))
			})
		case 3:
			m.rows = w.int(t)
		case 4:
			w.list(t, func(elem byte) { m.groups = append(m.groups, w.group(elem)) })
		default:
			w.skip(t)
		}
	})
	return m
}

func (w *wire) element(t byte) element {
	e := element{physical: -1, repetition: -1, children: -1, converted: -1}
	w.structure(t, func(id int, t byte) {
		switch id {
		case 1:
			e.physical = w.int32(t)
		case 2:
			e.length = w.int32(t)
		case 3:
			e.repetition = w.int32(t)
		case 4:
			e.name = string(w.binary(t))
		case 5:
			e.children = w.int32(t)
		case 6:
			e.converted = w.int32(t)
		case 7:
			e.scale = w.int32(t)
		case 10:
			w.structure(t, func(id int, t byte) { e.logical = id; w.logical(&e, id, t) })
		default:
			w.skip(t)
		}
	})
	return e
}

// logical reads one member of the LogicalType union, of which only integers and
// timestamps have parameters that matter here.
func (w *wire) logical(e *element, id int, t byte) {
	w.structure(t, func(field int, t byte) {
		switch {
		case id == logicalInt && field == 1 && t == wireByte:
			e.logicalBits = int(int8(w.byte()))
		case id == logicalInt && field == 2:
			e.logicalSigned = w.bool(t)
		case (id == logicalTimestamp || id == logicalTime) && field == 2:
			w.structure(t, func(unit int, t byte) { e.logicalUnit = unit; w.skip(t) })
		case id == logicalDecimal && field == 1:
			e.decimal = int(w.int32(t))
		default:
			w.skip(t)
		}
	})
}

func (w *wire) group(t byte) groupMeta {
	g := groupMeta{rows: -1}
	w.structure(t, func(id int, t byte) {
		switch id {
		case 1:
			w.list(t, func(elem byte) { g.chunks = append(g.chunks, w.chunk(elem)) })
		case 3:
			g.rows = w.int(t)
		default:
			w.skip(t)
		}
	})
	return g
}

func (w *wire) chunk(t byte) chunkMeta {
	c := chunkMeta{nulls: -1, physical: -1}
	found := false
	w.structure(t, func(id int, t byte) {
		switch id {
		case 1:
			c.elsewhere = len(w.binary(t)) > 0
		case 3:
			found = true
			w.structure(t, func(id int, t byte) { w.chunkField(&c, id, t) })
		case 4:
			c.locations.offset = w.int(t)
		case 5:
			c.locations.length = w.int(t)
		case 6:
			c.bounds.offset = w.int(t)
		case 7:
			c.bounds.length = w.int(t)
		default:
			w.skip(t)
		}
	})
	if w.err == nil && !(found && c.hasData && c.hasSize && c.hasValues) {
		w.failf("has a column chunk without metadata")
	}
	return c
}

func (w *wire) chunkField(c *chunkMeta, id int, t byte) {
	switch id {
	case 1:
		c.physical = w.int32(t)
	case 4:
		c.codec = w.int32(t)
	case 5:
		c.values, c.hasValues = w.int(t), true
	case 7:
		c.compressed, c.hasSize = w.int(t), true
	case 9:
		c.data, c.hasData = w.int(t), true
	case 11:
		c.dictionary = w.int(t)
	case 12:
		w.structure(t, func(id int, t byte) { w.statistics(c, id, t) })
	default:
		w.skip(t)
	}
}

func (w *wire) statistics(c *chunkMeta, id int, t byte) {
	switch id {
	case 1:
		c.oldHigh = w.binary(t)
	case 2:
		c.oldLow = w.binary(t)
	case 3:
		c.nulls = w.int(t)
	case 5:
		c.high = w.binary(t)
	case 6:
		c.low = w.binary(t)
	default:
		w.skip(t)
	}
}
