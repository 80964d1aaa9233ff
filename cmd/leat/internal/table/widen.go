package table

import "github.com/leatflow/leat/sdk/batch"

// widen returns a type that holds the values of both a and b, as far as a
// Parquet source can fill it: files of one table may differ in the width of a
// number and in what is nullable. Where there is no such type it returns a, and
// the source says which file does not fit.
func widen(a, b *batch.Type) *batch.Type {
	out := *a
	out.Nullable = a.Nullable || b.Nullable
	switch {
	case a.Kind == b.Kind:
		if len(a.Fields) > 0 {
			out.Fields = widenFields(a, b)
		}
	case a.Kind.Integer() && b.Kind.Integer():
		out.Kind = widerInteger(a.Kind, b.Kind)
	case a.Kind.Float() && b.Kind.Float():
		out.Kind = batch.Float64
	}
	return &out
}

func widenFields(a, b *batch.Type) []batch.Field {
	fields := make([]batch.Field, len(a.Fields))
	for i, f := range a.Fields {
		fields[i] = f
		k := i
		if a.Kind == batch.Struct {
			k = b.Index(f.Name)
		}
		if k >= 0 && k < len(b.Fields) {
			fields[i].Type = widen(f.Type, b.Fields[k].Type)
		}
	}
	return fields
}

// widerInteger returns the smallest kind for both; a when only a uint64 and a
// signed kind are left, which no integer kind holds together.
func widerInteger(a, b batch.Kind) batch.Kind {
	if a.Signed() == b.Signed() {
		if b.Bits() > a.Bits() {
			return b
		}
		return a
	}
	signed, unsigned := a, b
	if b.Signed() {
		signed, unsigned = b, a
	}
	for _, k := range []batch.Kind{batch.Int8, batch.Int16, batch.Int32, batch.Int64} {
		if k.Bits() >= signed.Bits() && k.Bits() > unsigned.Bits() {
			return k
		}
	}
	return a
}
