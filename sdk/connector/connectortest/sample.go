package connectortest

import (
	"math"
	"math/rand/v2"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
)

// EveryKind returns a struct type with a field of every kind, most of them
// nullable too, and lists, maps and structs inside each other: what a connector
// that claims to hold everything is tested with. Field names are the kinds'.
func EveryKind() *batch.Type {
	t := &batch.Type{Kind: batch.Struct}
	for k := batch.Bool; k <= batch.Time; k++ {
		t.Fields = append(t.Fields,
			batch.Field{Name: k.String(), Type: &batch.Type{Kind: k}},
			batch.Field{Name: k.String() + "_null", Type: &batch.Type{Kind: k, Nullable: true}})
	}
	text, number := &batch.Type{Kind: batch.String}, &batch.Type{Kind: batch.Int64}
	maybe := &batch.Type{Kind: batch.Float64, Nullable: true}
	inner := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "id", Type: number}, {Name: "note", Type: &batch.Type{Kind: batch.String, Nullable: true}}}}
	nullable := *inner
	nullable.Nullable = true
	t.Fields = append(t.Fields,
		batch.Field{Name: "list", Type: list(text)},
		batch.Field{Name: "list_of_null", Type: list(maybe)},
		batch.Field{Name: "list_of_lists", Type: list(list(number))},
		batch.Field{Name: "list_of_structs", Type: list(inner)},
		batch.Field{Name: "map", Type: dictionary(text, number)},
		batch.Field{Name: "map_of_lists", Type: dictionary(number, list(text))},
		batch.Field{Name: "struct", Type: inner},
		batch.Field{Name: "struct_null", Type: &nullable})
	return t
}

func list(element *batch.Type) *batch.Type {
	return &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: element}}}
}

func dictionary(key, value *batch.Type) *batch.Type {
	return &batch.Type{Kind: batch.Map, Fields: []batch.Field{{Name: "key", Type: key}, {Name: "value", Type: value}}}
}

// Sample returns n rows of a type, the same for the same seed: limits of every
// width, NaN and infinities, empty and odd strings, nulls, empty lists. Strings
// are dictionary-encoded where the seed says so. Times lie in the years 0 to 9999.
func Sample(t *batch.Type, n int, seed uint64) *batch.Column {
	return sample(t, n, rand.New(rand.NewPCG(seed, 0)))
}

func sample(t *batch.Type, n int, r *rand.Rand) *batch.Column {
	c := &batch.Column{Type: t, Len: n}
	if t.Nullable {
		c.Valid = batch.NewBitmap(n)
		for i := range n {
			if r.IntN(4) > 0 {
				c.Valid.Set(i)
			}
		}
	}
	switch t.Kind.Form() {
	case batch.IntForm:
		c.Ints = sampleInts(t.Kind, n, r)
	case batch.FloatForm:
		c.Floats = sampleFloats(t.Kind, n, r)
	case batch.BoolForm:
		c.Bools = make([]bool, n)
		for i := range c.Bools {
			c.Bools[i] = r.IntN(2) == 0
		}
	case batch.StringForm:
		sampleStrings(c, r)
	case batch.StructForm:
		for _, f := range t.Fields {
			c.Children = append(c.Children, sample(f.Type, n, r))
		}
	case batch.ListForm:
		sampleLists(c, r)
	}
	return c
}

func sampleInts(kind batch.Kind, n int, r *rand.Rand) []int64 {
	low, high, ok := kind.Range()
	switch {
	case kind == batch.Time:
		low, high = -62_167_219_200_000_000, 253_402_300_799_999_999
	case !ok:
		low, high = -1, math.MaxInt64 // Uint64: the same bits
	}
	out := make([]int64, n)
	for i := range out {
		switch r.IntN(4) {
		case 0:
			out[i] = low
		case 1:
			out[i] = high
		case 2:
			out[i] = r.Int64N(100)
		default:
			out[i] = r.Int64N(min(high, math.MaxInt64-1) + 1)
		}
	}
	return out
}

func sampleFloats(kind batch.Kind, n int, r *rand.Rand) []float64 {
	special := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e-7, 1e21, 0.1, math.MaxFloat32, math.SmallestNonzeroFloat32}
	if kind == batch.Float64 {
		special = append(special, math.MaxFloat64, math.SmallestNonzeroFloat64, 1<<53+2)
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = r.NormFloat64() * 1000
		if r.IntN(2) == 0 {
			out[i] = special[r.IntN(len(special))]
		}
		if kind == batch.Float32 {
			out[i] = float64(float32(out[i]))
		}
	}
	return out
}

// texts are values that formats have trouble with.
func texts() []string {
	return []string{"", "a", "null", "\"quoted\\\"", "line\nbreak\r\n", "tab\t\x00\x1f", "héllo 世界 🙂", "\u2028", "-1.5", " ", strings.Repeat("long ", 100)}
}

func sampleStrings(c *batch.Column, r *rand.Rand) {
	var values batch.Strings
	all := texts()
	if c.Type.Kind == batch.Bytes {
		all = append(all, "\xff\xfe\x00", "\x80")
	}
	if r.IntN(2) == 0 {
		for _, v := range all {
			values.Append(v)
		}
		c.Dict = &batch.Dictionary{Strings: values}
		c.Codes = make([]int32, c.Len)
		for i := range c.Codes {
			c.Codes[i] = r.Int32N(int32(len(all)))
		}
		return
	}
	for range c.Len {
		values.Append(all[r.IntN(len(all))])
	}
	c.Strings = values
}

func sampleLists(c *batch.Column, r *rand.Rand) {
	c.Offsets = make([]int32, c.Len+1)
	for i := range c.Len {
		c.Offsets[i+1] = c.Offsets[i] + r.Int32N(4)
		if c.Null(i) {
			c.Offsets[i+1] = c.Offsets[i]
		}
	}
	entries := int(c.Offsets[c.Len])
	for i, f := range c.Type.Fields {
		if c.Type.Kind == batch.Map && i == 0 {
			c.Children = append(c.Children, sampleKeys(c, f.Type, r))
		} else {
			c.Children = append(c.Children, sample(f.Type, entries, r))
		}
	}
}

// sampleKeys returns ascending keys for each row of a map of strings or integers.
func sampleKeys(c *batch.Column, t *batch.Type, r *rand.Rand) *batch.Column {
	keys := &batch.Column{Type: t, Len: int(c.Offsets[c.Len])}
	for i := range c.Len {
		from, to := c.Range(i)
		for k := range to - from {
			if t.Kind.Form() == batch.StringForm {
				keys.Strings.Append(string(rune('a'+k)) + texts()[r.IntN(len(texts()))])
			} else {
				keys.Ints = append(keys.Ints, int64(10*k)+r.Int64N(10))
			}
		}
	}
	return keys
}
