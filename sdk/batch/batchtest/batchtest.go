// Package batchtest draws random types and columns for property tests.
//
// The one central idea: a test that only sees the columns one writes by hand
// misses half of the layout. Those drawn here have nulls, dictionaries with
// unused and repeated entries, vectors that begin in the middle of a larger one
// and values at the ends of their range:
//
//	rapid ──▶ Type ──▶ Column(type, n)      plain │ dictionary │ slice of a larger one
package batchtest

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
)

// Scalars are the kinds without children.
var Scalars = []batch.Kind{batch.Bool, batch.Int8, batch.Int16, batch.Int32, batch.Int64, batch.Uint8,
	batch.Uint16, batch.Uint32, batch.Uint64, batch.Float32, batch.Float64, batch.String, batch.Bytes, batch.Time}

// Type draws a type nested at most depth levels below its root.
func Type(t *rapid.T, depth int) *batch.Type {
	out := &batch.Type{Nullable: rapid.Bool().Draw(t, "nullable")}
	nested := -1
	if depth > 0 {
		nested = rapid.IntRange(-1, 2).Draw(t, "nested")
	}
	switch nested {
	case 0:
		out.Kind = batch.List
		out.Fields = []batch.Field{{Name: "element", Type: Type(t, depth-1)}}
	case 1:
		key := rapid.SampledFrom([]batch.Kind{batch.String, batch.Int32, batch.Uint64, batch.Bool}).Draw(t, "key")
		out.Kind = batch.Map
		out.Fields = []batch.Field{{Name: "key", Type: &batch.Type{Kind: key}}, {Name: "value", Type: Type(t, depth-1)}}
	case 2:
		out.Kind = batch.Struct
		for i := range rapid.IntRange(0, 3).Draw(t, "fields") {
			out.Fields = append(out.Fields, batch.Field{Name: fmt.Sprintf("f%d", i), Type: Type(t, depth-1)})
		}
	default:
		out.Kind = rapid.SampledFrom(Scalars).Draw(t, "kind")
	}
	return out
}

// Column draws a column of n rows. Every other one is cut out of a larger one.
func Column(t *rapid.T, typ *batch.Type, n int) *batch.Column {
	if !rapid.Bool().Draw(t, "cut") {
		return column(t, typ, n)
	}
	before := rapid.IntRange(0, 9).Draw(t, "before")
	after := rapid.IntRange(0, 2).Draw(t, "after")
	return column(t, typ, before+n+after).Slice(before, before+n)
}

func column(t *rapid.T, typ *batch.Type, n int) *batch.Column {
	c := &batch.Column{Type: typ, Len: n}
	switch typ.Kind.Form() {
	case batch.IntForm:
		c.Ints = draws(t, n, Int(typ.Kind))
	case batch.FloatForm:
		c.Floats = draws(t, n, Float(typ.Kind))
	case batch.BoolForm:
		c.Bools = draws(t, n, rapid.Bool())
	case batch.StringForm:
		texts(t, c)
	case batch.ListForm:
		lists(t, c)
	case batch.StructForm:
		for _, f := range typ.Fields {
			c.Children = append(c.Children, Column(t, f.Type, n))
		}
	}
	if typ.Nullable && n > 0 && rapid.Bool().Draw(t, "nulls") {
		c.Valid = batch.NewBitmap(n)
		for i := range n {
			if rapid.IntRange(0, 3).Draw(t, "null") > 0 {
				c.Valid.Set(i)
			}
		}
	}
	return c
}

func draws[V any](t *rapid.T, n int, g *rapid.Generator[V]) []V {
	return rapid.SliceOfN(g, n, n).Draw(t, "values")
}

// Int generates the values of an integer kind or of Time as Ints holds them.
func Int(k batch.Kind) *rapid.Generator[int64] {
	if k == batch.Time {
		return rapid.Int64Range(batch.MinTime, batch.MaxTime)
	}
	if low, high, ok := k.Range(); ok {
		return rapid.Int64Range(low, high)
	}
	return rapid.Int64()
}

// Float generates the values of a float kind.
func Float(k batch.Kind) *rapid.Generator[float64] {
	odd := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1.5}
	return rapid.OneOf(rapid.SampledFrom(odd), rapid.Custom(func(t *rapid.T) float64 {
		if k == batch.Float32 {
			return float64(rapid.Float32().Draw(t, "float32"))
		}
		return rapid.Float64().Draw(t, "float64")
	}))
}

// Text generates short values of String or Bytes, often with zero bytes and
// common prefixes. Those of String are UTF-8.
func Text(k batch.Kind) *rapid.Generator[[]byte] {
	bytes := []byte{0, 1, 'a', 'b', 0x7f, 0xfe, 0xff}
	if k == batch.String {
		bytes = bytes[:5]
	}
	return rapid.SliceOfN(rapid.SampledFrom(bytes), 0, 5)
}

func texts(t *rapid.T, c *batch.Column) {
	if c.Len == 0 || !rapid.Bool().Draw(t, "dictionary") {
		c.Strings = Strings(draws(t, c.Len, Text(c.Type.Kind))...)
		return
	}
	entries := rapid.IntRange(1, 6).Draw(t, "entries")
	c.Dict = &batch.Dictionary{Strings: Strings(draws(t, entries, Text(c.Type.Kind))...)}
	c.Codes = draws(t, c.Len, rapid.Int32Range(0, int32(entries-1)))
}

// Strings returns a vector of texts.
func Strings(texts ...[]byte) batch.Strings {
	s := batch.Strings{Offsets: []int32{0}}
	for _, text := range texts {
		s.Append(string(text))
	}
	return s
}

func lists(t *rapid.T, c *batch.Column) {
	c.Offsets = make([]int32, c.Len+1)
	if c.Type.Kind == batch.Map {
		maps(t, c)
		return
	}
	for i := range c.Len {
		c.Offsets[i+1] = c.Offsets[i] + int32(rapid.IntRange(0, 3).Draw(t, "length"))
	}
	c.Children = []*batch.Column{Column(t, c.Type.Fields[0].Type, int(c.Offsets[c.Len]))}
}

// maps draws distinct sorted keys for each row.
func maps(t *rapid.T, c *batch.Column) {
	kind := c.Type.Fields[0].Type.Kind
	keys := &batch.Column{Type: c.Type.Fields[0].Type}
	for i := range c.Len {
		count := rapid.IntRange(0, 3).Draw(t, "entries")
		switch kind.Form() {
		case batch.IntForm:
			ints := rapid.SliceOfNDistinct(Int(kind), count, count, rapid.ID).Draw(t, "keys")
			slices.SortFunc(ints, func(a, b int64) int {
				if kind == batch.Uint64 {
					return cmp.Compare(uint64(a), uint64(b))
				}
				return cmp.Compare(a, b)
			})
			keys.Ints = append(keys.Ints, ints...)
		case batch.BoolForm:
			count = min(count, 2)
			keys.Bools = append(keys.Bools, []bool{false, true}[:count]...)
		case batch.StringForm:
			texts := rapid.SliceOfNDistinct(Text(kind), count, count, func(b []byte) string { return string(b) }).Draw(t, "keys")
			slices.SortFunc(texts, bytes.Compare)
			for _, text := range texts {
				keys.Strings.Append(string(text))
			}
		}
		keys.Len += count
		c.Offsets[i+1] = int32(keys.Len)
	}
	if kind.Form() == batch.StringForm && keys.Len == 0 {
		keys.Strings.Offsets = []int32{0}
	}
	c.Children = []*batch.Column{keys, Column(t, c.Type.Fields[1].Type, keys.Len)}
}
