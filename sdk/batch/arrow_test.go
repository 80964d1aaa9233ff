package batch_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
)

// A column of any type comes back from Arrow as it was, whole or as a slice of
// the Arrow array, and Arrow itself finds the array valid.
func TestArrowRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := batchtest.Column(t, batchtest.Type(t, 2), rapid.IntRange(0, 20).Draw(t, "rows"))
		a, err := batch.ColumnToArrow(c)
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := a.(interface{ ValidateFull() error }); ok {
			if err := v.ValidateFull(); err != nil {
				t.Fatalf("%s: %v", a.DataType(), err)
			}
		}
		back, err := batch.FromArrow(a, c.Type)
		if err != nil {
			t.Fatal(err)
		}
		equalColumns(t, "round trip", back, c)
		from := rapid.IntRange(0, c.Len).Draw(t, "from")
		cut := array.NewSlice(a, int64(from), int64(c.Len))
		part, err := batch.FromArrow(cut, c.Type)
		if err != nil {
			t.Fatal(err)
		}
		equalColumns(t, "slice", part, c.Slice(from, c.Len))
	})
}

// The type of a batch survives the way to an Arrow schema and back.
func TestArrowTypes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := batchtest.Type(t, 2)
		dt, err := batch.ArrowType(typ)
		if err != nil {
			t.Fatal(err)
		}
		back, err := batch.TypeFromArrow(dt, typ.Nullable)
		if err != nil || !back.Equal(typ) {
			t.Fatalf("%s became %s and then %s (%v)", typ, dt, back, err)
		}
	})
	for _, dt := range []arrow.DataType{&arrow.Decimal128Type{Precision: 9}, arrow.FixedWidthTypes.Duration_ns} {
		if _, err := batch.TypeFromArrow(dt, false); err == nil || !strings.Contains(err.Error(), dt.String()) {
			t.Errorf("%s: %v", dt, err)
		}
	}
}

// Where the layouts agree no value is copied, in either direction.
func TestArrowSharesMemory(t *testing.T) {
	ints := batch.NewInts(&batch.Type{Kind: batch.Int64}, []int64{1, 2, 3})
	a, err := batch.ColumnToArrow(ints)
	if err != nil {
		t.Fatal(err)
	}
	if &a.(*array.Int64).Int64Values()[0] != &ints.Ints[0] {
		t.Error("ColumnToArrow copied int64")
	}
	back, err := batch.FromArrow(a, ints.Type)
	if err != nil || &back.Ints[0] != &ints.Ints[0] {
		t.Errorf("FromArrow copied int64 (%v)", err)
	}
	text := batch.NewDictionary(&batch.Type{Kind: batch.String}, []int32{0, 0}, &batch.Dictionary{Strings: batchtest.Strings([]byte("ATL"))})
	if a, err = batch.ColumnToArrow(text); err != nil {
		t.Fatal(err)
	}
	if back, err = batch.FromArrow(a, text.Type); err != nil || &back.Codes[0] != &text.Codes[0] || unsafe.StringData(back.Text(0)) != &text.Dict.Data[0] {
		t.Errorf("a dictionary was copied (%v)", err)
	}
}

// Foreign layouts: every unit of time, large and view strings, fixed-size lists,
// narrow codes, unsorted maps.
func TestFromArrowConverts(t *testing.T) {
	pool := memory.DefaultAllocator
	str, tick := &batch.Type{Kind: batch.String, Nullable: true}, &batch.Type{Kind: batch.Time, Nullable: true}
	build := func(dt arrow.DataType, json string) arrow.Array {
		a, _, err := array.FromJSON(pool, dt, strings.NewReader(json))
		if err != nil {
			t.Fatal(dt, err)
		}
		return a
	}
	coded := func(index, value arrow.DataType, codes, values string) arrow.Array {
		return array.NewDictionaryArray(&arrow.DictionaryType{IndexType: index, ValueType: value}, build(index, codes), build(value, values))
	}
	texts := `["ab", null, "", "longer than twelve bytes"]`
	textsWant := "ab null  longer than twelve bytes"
	at, atWant := `["2015-01-02 03:04:05", null]`, "2015-01-02T03:04:05.000000Z null"
	numbers := `[{"key": "b", "value": 1}, {"key": "a", "value": 2}]`
	for _, test := range []struct {
		a    arrow.Array
		t    *batch.Type
		want string
	}{
		{build(arrow.BinaryTypes.LargeString, texts), str, textsWant},
		{build(arrow.BinaryTypes.StringView, texts), str, textsWant},
		{build(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint8, ValueType: arrow.BinaryTypes.String}, texts), str, textsWant},
		{coded(arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.LargeString, `[1, null, 0]`, `["a", "b"]`), str, "b null a"},
		{coded(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String, `[1, 0, 1]`, `["a", null]`), str, "null a null"},
		{coded(arrow.PrimitiveTypes.Uint16, arrow.BinaryTypes.String, `[null]`, `[]`), str, "null"},
		{build(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.PrimitiveTypes.Int16}, `[7, null]`), &batch.Type{Kind: batch.Int64, Nullable: true}, "7 null"},
		{build(&arrow.TimestampType{Unit: arrow.Second}, at), tick, atWant},
		{build(&arrow.TimestampType{Unit: arrow.Millisecond}, at), tick, atWant},
		{build(&arrow.TimestampType{Unit: arrow.Nanosecond}, at), tick, atWant},
		{build(&arrow.TimestampType{Unit: arrow.Nanosecond}, `["1969-12-31 23:59:59.999999999"]`), tick, "1969-12-31T23:59:59.999999Z"},
		{build(arrow.FixedWidthTypes.Date32, `["1969-12-31", null]`), tick, "1969-12-31T00:00:00.000000Z null"},
		{build(arrow.FixedWidthTypes.Date64, `["1969-12-31", null]`), tick, "1969-12-31T00:00:00.000000Z null"},
		{build(arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int8), `[[1,2],[3,4]]`), &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: &batch.Type{Kind: batch.Int64}}}}, "[1, 2] [3, 4]"},
		{build(arrow.LargeListOf(arrow.PrimitiveTypes.Float32), `[[0.5],[],[2]]`), &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: &batch.Type{Kind: batch.Float64}}}}, "[0.5] [] [2]"},
		{build(arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32), `[`+numbers+`, `+numbers+`]`), &batch.Type{Kind: batch.Map, Fields: []batch.Field{{Name: "key", Type: &batch.Type{Kind: batch.String}}, {Name: "value", Type: &batch.Type{Kind: batch.Int32}}}}, `{"a": 2, "b": 1} {"a": 2, "b": 1}`},
		{array.NewNull(2), tick, "null null"},
		{build(arrow.StructOf(arrow.Field{Name: "b", Type: arrow.PrimitiveTypes.Int8}, arrow.Field{Name: "a", Type: arrow.FixedWidthTypes.Boolean}), `[{"a": true, "b": 2}]`), &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "a", Type: &batch.Type{Kind: batch.Bool}}}}, "{a: true}"},
	} {
		c, err := batch.FromArrow(test.a, test.t)
		if err != nil {
			t.Errorf("%s: %v", test.a.DataType(), err)
			continue
		}
		var got []string
		for i := range c.Len {
			got = append(got, c.Format(i))
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%s: got %s, want %s", test.a.DataType(), s, test.want)
		}
	}
}

// Values that do not fit and arrays of another nature are refused with a reason.
func TestFromArrowRefuses(t *testing.T) {
	one := func(dt arrow.DataType, raw []byte) arrow.Array {
		return array.MakeFromData(array.NewData(dt, 1, []*memory.Buffer{nil, memory.NewBufferBytes(raw)}, nil, 0, 0))
	}
	minus := []byte{255, 255, 255, 255, 255, 255, 255, 255}
	late := arrow.GetBytes([]int64{math.MaxInt64})
	damaged := array.NewData(arrow.BinaryTypes.String, 1, []*memory.Buffer{nil, memory.NewBufferBytes(arrow.GetBytes([]int32{0, 9})), memory.NewBufferBytes([]byte("a"))}, nil, 0, 0)
	short := array.NewData(arrow.PrimitiveTypes.Int64, 9, []*memory.Buffer{nil, memory.NewBufferBytes(minus)}, nil, 0, 0)
	for _, test := range []struct {
		d    arrow.ArrayData
		kind batch.Kind
		want string
	}{
		{one(arrow.PrimitiveTypes.Uint64, minus).Data(), batch.Int64, "row 0: a value of uint64 does not fit int64"},
		{one(arrow.PrimitiveTypes.Int64, minus).Data(), batch.Uint64, "does not fit uint64"},
		{one(arrow.PrimitiveTypes.Int64, late).Data(), batch.Int8, "row 0: the int64 9223372036854775807 does not fit int8"},
		{one(arrow.PrimitiveTypes.Int8, minus).Data(), batch.Uint64, "does not fit uint64"},
		{one(arrow.FixedWidthTypes.Timestamp_s, late).Data(), batch.Time, "does not fit microseconds"},
		{one(arrow.PrimitiveTypes.Int64, minus).Data(), batch.Time, "Arrow int64 cannot become time"},
		{one(arrow.PrimitiveTypes.Int64, minus).Data(), batch.String, "Arrow int64 cannot become string"},
		{short, batch.Int64, "a buffer of 8 bytes for 9 values of 8"},
		{damaged, batch.String, "the last offset is 9"},
	} {
		_, err := batch.FromArrow(raw{d: test.d}, &batch.Type{Kind: test.kind})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("want an error with %q, got %v", test.want, err)
		}
	}
}

// raw is an array that arrow-go has not looked at.
type raw struct {
	arrow.Array
	d arrow.ArrayData
}

func (r raw) Data() arrow.ArrayData { return r.d }

// A batch becomes a record of the rows that count, and comes back.
func TestRecordRoundTrip(t *testing.T) {
	typ := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "at", Type: &batch.Type{Kind: batch.Time}}, {Name: "n", Type: &batch.Type{Kind: batch.Int8, Nullable: true}}}}
	n := batch.NewInts(typ.Fields[1].Type, []int64{1, 2, 3})
	n.Valid = batch.Bitmap{0b011}
	now := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC).UnixMicro()
	b := &batch.Batch{Root: batch.NewStruct(typ, 3, batch.NewInts(typ.Fields[0].Type, []int64{now, now, 0}), n), Sel: []int32{1, 2}}
	r, err := batch.ToArrow(b)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := batch.ArrowSchema(typ); err != nil || !r.Schema().Equal(s) {
		t.Fatalf("schema %s, want %s (%v)", r.Schema(), s, err)
	}
	back, err := batch.FromRecord(r, typ)
	if err != nil {
		t.Fatal(err)
	}
	if got := back.Root.Format(0) + back.Root.Format(1); got != "{at: 2026-01-02T03:04:05.000006Z, n: 2}{at: 1970-01-01T00:00:00.000000Z, n: null}" {
		t.Fatal(got)
	}
	n.Ints[1] = 300
	if _, err := batch.ToArrow(b); err == nil || !strings.Contains(err.Error(), "arrow: n: row 0: 300 does not fit int8") {
		t.Fatalf("300 in an int8: %v", err)
	}
}
