package state

import (
	"math"

	"github.com/leatflow/leat/sdk/batch"
)

// newStore returns the store that suits a key type.
func newStore(t *batch.Type) keyStore {
	switch t.Kind.Form() {
	case batch.IntForm:
		return &intKeys{keyType: t}
	case batch.FloatForm:
		return &floatKeys{keyType: t}
	case batch.BoolForm:
		return &boolKeys{keyType: t}
	case batch.StringForm:
		return &stringKeys{keyType: t}
	case batch.StructForm:
		s := &structKeys{keyType: t}
		for _, f := range t.Fields {
			s.fields = append(s.fields, &nullableKeys{store: newStore(f.Type)})
		}
		return s
	}
	return &anyKeys{keyType: t}
}

// structKeys keeps keys of several fields, each field in a store of its own, so
// that a compound key costs what its parts cost.
type structKeys struct {
	keyType *batch.Type
	fields  []*nullableKeys
	part    []uint32
}

func (s *structKeys) file(c *batch.Column, rows []int32, out []uint32) {
	clear(out)
	if cap(s.part) < len(out) {
		s.part = make([]uint32, len(out))
	}
	part := s.part[:len(out)]
	for i, f := range s.fields {
		f.file(c.Children[i], rows, part)
		for j, h := range part {
			out[j] = mix(int64(out[j])<<32 | int64(h))
		}
	}
}

func (s *structKeys) match(c *batch.Column, rows, ids []int32) {
	for i, f := range s.fields {
		if f.nulls == nil && c.Children[i].Valid == nil {
			f.store.match(c.Children[i], rows, ids)
			continue
		}
		matchEach(f, c.Children[i], rows, ids)
	}
}

func (s *structKeys) equal(id int32, c *batch.Column, row int) bool {
	for i, f := range s.fields {
		if !f.equal(id, c.Children[i], row) {
			return false
		}
	}
	return true
}

func (s *structKeys) set(id int32, c *batch.Column, row int) {
	for i, f := range s.fields {
		f.set(id, c.Children[i], row)
	}
}

func (s *structKeys) column(ids []int32) *batch.Column {
	children := make([]*batch.Column, len(s.fields))
	for i, f := range s.fields {
		children[i] = f.column(ids)
	}
	return batch.NewStruct(s.keyType, len(ids), children...)
}

func (s *structKeys) view() keyStore {
	v := &structKeys{keyType: s.keyType}
	for _, f := range s.fields {
		v.fields = append(v.fields, &nullableKeys{store: f.store.view(), nulls: f.nulls})
	}
	return v
}

func (s *structKeys) sizeBytes() int64 {
	var n int64
	for _, f := range s.fields {
		n += f.sizeBytes()
	}
	return n
}

// nullableKeys is a field of a compound key, where null is a value like others.
type nullableKeys struct {
	store keyStore
	nulls []bool // by id; nil: none so far
}

// nullHash files null apart from most values.
const nullHash = 0x9e3779b9

func (s *nullableKeys) file(c *batch.Column, rows []int32, out []uint32) {
	s.store.file(c, rows, out)
	if c.Valid == nil {
		return
	}
	for i := range out {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		if c.Null(row) {
			out[i] = nullHash
		}
	}
}

func (s *nullableKeys) null(id int32) bool { return int(id) < len(s.nulls) && s.nulls[id] }

func (s *nullableKeys) match(c *batch.Column, rows, ids []int32) { matchEach(s, c, rows, ids) }

func (s *nullableKeys) equal(id int32, c *batch.Column, row int) bool {
	if a, b := s.null(id), c.Null(row); a || b {
		return a && b
	}
	return s.store.equal(id, c, row)
}

func (s *nullableKeys) set(id int32, c *batch.Column, row int) {
	if null := c.Null(row); null || s.nulls != nil {
		for int(id) >= len(s.nulls) {
			s.nulls = append(s.nulls, false)
		}
		s.nulls[id] = null
	}
	s.store.set(id, c, row)
}

func (s *nullableKeys) column(ids []int32) *batch.Column {
	c := s.store.column(ids)
	var valid batch.Bitmap
	for i, id := range ids {
		if s.null(id) {
			if valid == nil {
				valid = batch.NewBitmap(len(ids))
				valid.SetAll(len(ids))
			}
			valid.Clear(i)
		}
	}
	if valid == nil {
		return c
	}
	out := *c
	out.Valid = batch.And(c.Valid, valid, len(ids))
	return &out
}

func (s *nullableKeys) view() keyStore { return &nullableKeys{store: s.store.view(), nulls: s.nulls} }

func (s *nullableKeys) sizeBytes() int64 { return s.store.sizeBytes() + int64(cap(s.nulls)) }

// floatKeys keeps floating-point keys: −0 is 0 and every NaN is the same key.
type floatKeys struct {
	keyType *batch.Type
	values  []float64
}

// canonical returns the bits of the value that stands for v as a key.
func canonical(v float64) int64 {
	switch {
	case v == 0:
		return 0
	case v != v:
		return int64(math.Float64bits(math.NaN()))
	}
	return int64(math.Float64bits(v))
}

func (s *floatKeys) file(c *batch.Column, rows []int32, out []uint32) {
	for i := range out {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		out[i] = mix(canonical(c.Floats[row]))
	}
}

func (s *floatKeys) match(c *batch.Column, rows, ids []int32) { matchEach(s, c, rows, ids) }

func (s *floatKeys) equal(id int32, c *batch.Column, row int) bool {
	return canonical(s.values[id]) == canonical(c.Floats[row])
}

func (s *floatKeys) set(id int32, c *batch.Column, row int) {
	for int(id) >= len(s.values) {
		s.values = append(s.values, 0)
	}
	s.values[id] = math.Float64frombits(uint64(canonical(c.Floats[row])))
}

func (s *floatKeys) column(ids []int32) *batch.Column {
	out := make([]float64, len(ids))
	for i, id := range ids {
		out[i] = s.values[id]
	}
	return batch.NewFloats(s.keyType, out)
}

func (s *floatKeys) view() keyStore { return s }

func (s *floatKeys) sizeBytes() int64 { return int64(8 * cap(s.values)) }

// boolKeys keeps the two keys there can be.
type boolKeys struct {
	keyType *batch.Type
	values  []bool
}

func (s *boolKeys) file(c *batch.Column, rows []int32, out []uint32) {
	for i := range out {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		out[i] = 0
		if c.Bools[row] {
			out[i] = 1
		}
	}
}

func (s *boolKeys) match(c *batch.Column, rows, ids []int32) { matchEach(s, c, rows, ids) }

func (s *boolKeys) equal(id int32, c *batch.Column, row int) bool {
	return s.values[id] == c.Bools[row]
}

func (s *boolKeys) set(id int32, c *batch.Column, row int) {
	for int(id) >= len(s.values) {
		s.values = append(s.values, false)
	}
	s.values[id] = c.Bools[row]
}

func (s *boolKeys) column(ids []int32) *batch.Column {
	out := make([]bool, len(ids))
	for i, id := range ids {
		out[i] = s.values[id]
	}
	return batch.NewBools(s.keyType, out)
}

func (s *boolKeys) view() keyStore { return s }

func (s *boolKeys) sizeBytes() int64 { return int64(cap(s.values)) }
