package operator

import (
	"math"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
)

// nullable is a type of one kind that takes nulls.
func nullable(k batch.Kind, fields ...batch.Field) *batch.Type {
	return &batch.Type{Kind: k, Nullable: true, Fields: fields}
}

// keyKind is a type of keys with some values of it.
type keyKind struct {
	name   string
	typ    *batch.Type
	values []any
}

// keyKinds are the forms in which state.Keys keeps keys, with what is odd about
// each: values that are equal as keys stand for one group.
var keyKinds = []keyKind{
	{"string", nullable(batch.String), []any{"", "a", "b", "a\x00b", "a long key that fills more than a word", nil}},
	{"int", nullable(batch.Int64), []any{int64(0), int64(1), int64(-1), int64(math.MinInt64), int64(math.MaxInt64), nil}},
	{"uint64", nullable(batch.Uint64), []any{int64(0), int64(-1), int64(math.MinInt64), nil}},
	{"float", nullable(batch.Float64), []any{0.0, math.Copysign(0, -1), math.NaN(), math.Float64frombits(0xfff8000000000001), math.Inf(1), -1.5, nil}},
	{"bool", nullable(batch.Bool), []any{true, false, nil}},
	{"time", nullable(batch.Time), []any{int64(0), int64(-1), batch.MinTime + 1, int64(1700000000000000), nil}},
	{"struct", nullable(batch.Struct, batch.Field{Name: "a", Type: nullable(batch.String)}, batch.Field{Name: "b", Type: nullable(batch.Float64)}),
		[]any{[]any{"x", 1.0}, []any{"x", nil}, []any{nil, 1.0}, []any{"x", 0.0}, []any{"x", math.Copysign(0, -1)}, []any{"", 2.0}, nil}},
	{"not null", &batch.Type{Kind: batch.String}, []any{"a", "b", "c"}},
	{"one", nullable(batch.String), []any{nil}},
}

// column builds a column of values: nil is null, a []any a struct.
func (c *chain) column(t *batch.Type, values []any) *batch.Column {
	out := &batch.Column{Type: t, Len: len(values)}
	if slices.ContainsFunc(values, func(v any) bool { return v == nil }) {
		out.Valid = batch.NewBitmap(len(values))
		for i, v := range values {
			if v != nil {
				out.Valid.Set(i)
			}
		}
	}
	switch t.Kind.Form() {
	case batch.IntForm:
		out.Ints = plain[int64](values)
	case batch.FloatForm:
		out.Floats = plain[float64](values)
	case batch.BoolForm:
		out.Bools = plain[bool](values)
	case batch.StringForm:
		c.strings(out, plain[string](values))
	case batch.StructForm:
		for f, field := range t.Fields {
			part := make([]any, len(values))
			for i, v := range values {
				if s, ok := v.([]any); ok {
					part[i] = s[f]
				}
			}
			out.Children = append(out.Children, c.column(field.Type, part))
		}
	}
	return out
}

func plain[T any](values []any) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i], _ = v.(T)
	}
	return out
}

// strings fills a string column: plain, or as codes into a dictionary that is
// that of the batch before or a new one, with entries nobody uses and twice the
// same.
func (c *chain) strings(out *batch.Column, texts []string) {
	if !c.variant.dictionary {
		for _, s := range texts {
			out.Strings.Append(s)
		}
		return
	}
	d := c.dicts[out.Type]
	if d == nil || c.random.IntN(4) == 0 {
		d = &batch.Dictionary{}
		d.Append("unused")
	}
	old := d.Len()
	for _, s := range texts {
		code := -1
		for i := range old {
			if d.At(i) == s && c.random.IntN(2) == 0 {
				code = i
			}
		}
		if code < 0 {
			if d == c.dicts[out.Type] { // published already: it must not change
				d = &batch.Dictionary{Strings: batch.Strings{Offsets: append([]int32(nil), d.Offsets...), Data: append([]byte(nil), d.Data...)}}
			}
			code = d.Len()
			d.Append(s)
		}
		out.Codes = append(out.Codes, int32(code))
	}
	c.dicts[out.Type], out.Dict = d, d
}

// encode makes a batch of rows; with a selection, of others between them too.
func (c *chain) encode(rows []row) *batch.Batch {
	b := &batch.Batch{}
	var all []row
	for _, r := range rows {
		for c.variant.selection && c.random.IntN(3) == 0 {
			decoy := rows[c.random.IntN(len(rows))]
			decoy.t += int64(c.random.IntN(100) - 50)
			decoy.f = 1e9
			all = append(all, decoy)
		}
		if c.variant.selection {
			b.Sel = append(b.Sel, int32(len(all)))
		}
		all = append(all, r)
	}
	var keys, vs, fs []any
	for _, r := range all {
		keys, fs = append(keys, r.key), append(fs, r.f)
		if r.v == nil {
			vs = append(vs, nil)
		} else {
			vs = append(vs, *r.v)
		}
		b.Time = append(b.Time, r.t)
		if c.grouping.Windowing.Grouped {
			b.Start, b.End = append(b.Start, r.in.Start), append(b.End, r.in.End)
		}
	}
	in := c.grouping.Aggregate.Input()
	v := batch.NewStruct(in, len(all), c.column(in.Fields[0].Type, vs), c.column(in.Fields[1].Type, fs))
	b.Root = batch.NewStruct(keyedType(c.grouping.Key, in), len(all), c.column(c.grouping.Key, keys), v)
	return b
}

func keyedType(key, v *batch.Type) *batch.Type {
	return &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "key", Type: key}, {Name: "value", Type: v}}}
}
