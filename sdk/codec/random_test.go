package codec

import (
	"fmt"
	"reflect"
	"time"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
)

// Random Go types and values of them, for the property tests.

type (
	airport string
	marker  bool
	grade   int8
	blob    []byte
)

var scalarSamples = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](),
	reflect.TypeFor[int64](), reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](),
	reflect.TypeFor[uint64](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[string](), reflect.TypeFor[[]byte](),
	reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration](), reflect.TypeFor[airport](), reflect.TypeFor[marker](), reflect.TypeFor[grade](), reflect.TypeFor[blob](),
}

var keySamples = []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[airport](), reflect.TypeFor[bool](), reflect.TypeFor[int16](), reflect.TypeFor[uint64](), reflect.TypeFor[int]()}

// drawType draws a type that has a plan.
func drawType(t *rapid.T, depth int, pointer bool) reflect.Type {
	shape := 0
	if depth > 0 {
		shape = rapid.IntRange(0, 4).Draw(t, "shape")
	}
	switch shape {
	case 1:
		if pointer {
			return reflect.PointerTo(drawType(t, depth, false))
		}
	case 2:
		return reflect.SliceOf(drawType(t, depth-1, true))
	case 3:
		return reflect.MapOf(rapid.SampledFrom(keySamples).Draw(t, "key"), drawType(t, depth-1, true))
	case 4:
		return drawStruct(t, depth-1)
	}
	return rapid.SampledFrom(scalarSamples).Draw(t, "scalar")
}

func drawStruct(t *rapid.T, depth int) reflect.Type {
	var fields []reflect.StructField
	for i := range rapid.IntRange(0, 4).Draw(t, "fields") {
		f := reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: drawType(t, depth, true)}
		if rapid.IntRange(0, 5).Draw(t, "ignored") == 0 {
			f.Tag = `leat:"-"`
		}
		fields = append(fields, f)
	}
	return reflect.StructOf(fields)
}

// drawValue sets v to a value that a round trip gives back: no NaN, times in UTC
// and whole microseconds, nil instead of empty, nothing in ignored fields.
func drawValue(t *rapid.T, v reflect.Value) {
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(time.UnixMicro(rapid.Int64Range(batch.MinTime, batch.MaxTime).Draw(t, "time")).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int") >> (64 - v.Type().Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint") >> (64 - v.Type().Bits()))
	case reflect.Float32:
		v.SetFloat(float64(rapid.Float32().Draw(t, "float32")))
	case reflect.Float64:
		v.SetFloat(rapid.Float64().Draw(t, "float64"))
	case reflect.String:
		v.SetString(rapid.StringN(0, 5, 9).Draw(t, "string"))
	case reflect.Pointer:
		if rapid.IntRange(0, 2).Draw(t, "null") > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			drawValue(t, v.Elem())
		}
	case reflect.Slice:
		if n := rapid.IntRange(0, 3).Draw(t, "length"); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				drawValue(t, v.Index(i))
			}
		}
	case reflect.Map:
		if n := rapid.IntRange(0, 3).Draw(t, "entries"); n > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				drawValue(t, key)
				drawValue(t, value)
				v.SetMapIndex(key, value)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("leat") != "-" {
				drawValue(t, v.Field(i))
			}
		}
	}
}

// encodeAny and decodeAny are Encoder.Append and Codec.Decode for a type that is
// only known at run time.
func encodeAny(p *Plan, rows reflect.Value, v *vector) error {
	if rows.Len() == 0 {
		return nil
	}
	return v.append(source{memory: memory{base: rows.UnsafePointer(), stride: p.goType.Size(), n: rows.Len()}})
}

func decodeAny(p *Plan, c *batch.Column, rows []int32, n int) (reflect.Value, error) {
	out := reflect.MakeSlice(reflect.SliceOf(p.goType), n, n)
	if n == 0 {
		return out, nil
	}
	rows, first, _, err := p.ready(c, rows, n)
	if err != nil {
		return out, err
	}
	return out, p.root.decode(c, rows, memory{base: out.UnsafePointer(), stride: p.goType.Size(), n: n, first: first})
}

// dictionaries replaces plain strings at any depth by dictionaries that hold
// each value, an unused one, and repeated ones.
func dictionaries(c *batch.Column) *batch.Column {
	if c == nil {
		return nil
	}
	out := *c
	if c.Type.Kind.Form() == batch.StringForm && c.Dict == nil {
		s := batch.Strings{}
		s.Append("unused")
		codes := make([]int32, c.Len)
		for i := range codes {
			s.Append(c.Text(i))
			codes[i] = int32(i + 1)
		}
		d := batch.NewDictionary(c.Type, codes, &batch.Dictionary{Strings: s})
		d.Valid = c.Valid
		return d
	}
	out.Children = make([]*batch.Column, len(c.Children))
	for i, child := range c.Children {
		out.Children[i] = dictionaries(child)
	}
	return &out
}
