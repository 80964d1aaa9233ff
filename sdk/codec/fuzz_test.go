package codec

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
)

// tape turns fuzz input into columns of any shape, most of them broken.
type tape struct{ data []byte }

func (t *tape) byte() byte {
	if len(t.data) == 0 {
		return 0
	}
	b := t.data[0]
	t.data = t.data[1:]
	return b
}

func (t *tape) small() int { return int(int8(t.byte())) / 8 }

func (t *tape) int32s(n int) []int32 {
	out := make([]int32, max(0, n))
	for i := range out {
		out[i] = int32(t.small())
		if i > 0 && t.byte()&3 != 0 {
			out[i] = out[i-1] + max(0, out[i])
		}
	}
	return out
}

func (t *tape) texts(n int) batch.Strings {
	s := batch.Strings{Offsets: t.int32s(n + 1)}
	n = max(0, t.small()) // before t.data is measured: it takes a byte
	s.Data = t.data[:min(len(t.data), n)]
	return s
}

// column reads a column that claims to be of type typ with n rows.
func (t *tape) column(typ *batch.Type, n int) *batch.Column {
	shape := t.byte()
	if shape&7 == 7 {
		return nil
	}
	if shape&8 != 0 {
		n += t.small()
	}
	c := &batch.Column{Type: typ, Len: n}
	if shape&16 != 0 {
		c.Valid = make(batch.Bitmap, max(0, (n+7)/8))
		for i := range c.Valid {
			c.Valid[i] = t.byte()
		}
	}
	switch typ.Kind.Form() {
	case batch.IntForm:
		for range n {
			c.Ints = append(c.Ints, int64(t.small())<<(t.byte()&63))
		}
	case batch.FloatForm:
		for range n {
			c.Floats = append(c.Floats, float64(t.small()))
		}
	case batch.BoolForm:
		for range n {
			c.Bools = append(c.Bools, t.byte()&1 != 0)
		}
	case batch.StringForm:
		if shape&32 == 0 {
			c.Strings = t.texts(n)
			break
		}
		c.Dict = &batch.Dictionary{Strings: t.texts(t.small())}
		c.Codes = t.int32s(n)
	case batch.ListForm:
		c.Offsets = t.int32s(n + 1)
		n = t.small()
	}
	for _, f := range typ.Fields {
		c.Children = append(c.Children, t.column(f.Type, n))
	}
	return c
}

// What passes Validate can be decoded, printed and made into keys without a
// panic; nulls and values out of range are errors.
func FuzzDecode(f *testing.F) {
	type row struct {
		A int8
		B *int64
		C string
		D []*string
		E map[int16][]byte
		F *struct {
			G bool
			H float32
		}
	}
	c, err := For[row]()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0})
	f.Add(bytes.Repeat([]byte{16, 0, 8, 255, 32}, 40))
	f.Add(bytes.Repeat([]byte{48, 24, 0, 8}, 90))
	f.Add(bytes.Repeat([]byte{0}, 200))
	f.Fuzz(func(t *testing.T, data []byte) {
		tape := &tape{data}
		n := tape.small()
		col := tape.column(c.Type(), n)
		if err := batch.Validate(col); err != nil {
			return
		}
		dst := make([]row, col.Len)
		if err := c.Decode(col, nil, dst); err == nil {
			e := c.NewEncoder()
			if err := e.Append(dst); err != nil {
				t.Fatal(err)
			}
			if err := batch.Validate(e.Finish()); err != nil {
				t.Fatal(err)
			}
		}
		KeyHashes(col, nil, make([]uint64, col.Len))
		for i := range col.Len {
			AppendKey(nil, col, i)
			if col.Format(i) == "" || !col.Equal(i, col, i) {
				t.Fatalf("row %d does not equal itself", i)
			}
		}
	})
}

// The keys of two structs are ordered as the structs, field by field.
func FuzzKey(f *testing.F) {
	f.Add("a", "a\x00", int64(1), int64(-1), 0.0, math.Copysign(0, -1))
	f.Add("a\x00\xff", "a\x00", int64(0), int64(0), math.NaN(), math.Inf(1))
	f.Fuzz(func(t *testing.T, s1, s2 string, n1, n2 int64, f1, f2 float64) {
		texts := batch.Strings{}
		texts.Append(s1)
		texts.Append(s2)
		typ := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Type: of(batch.Bytes)}, {Type: of(batch.Int64)}, {Type: of(batch.Float64)}}}
		c := batch.NewStruct(typ, 2, batch.NewStrings(typ.Fields[0].Type, texts), batch.NewInts(typ.Fields[1].Type, []int64{n1, n2}), batch.NewFloats(typ.Fields[2].Type, []float64{f1, f2}))
		a, b := AppendKey(nil, c, 0), AppendKey(nil, c, 1)
		want := cmp.Or(cmp.Compare(s1, s2), cmp.Compare(n1, n2), compareValues(c.Children[2], 0, 1))
		if got := Compare(a, b); got != want {
			t.Fatalf("%s against %s: %d, want %d", c.Format(0), c.Format(1), got, want)
		}
		// A suffix cannot make a key sort past a greater one.
		if want < 0 && Compare(binary.BigEndian.AppendUint64(a, math.MaxUint64), b) >= 0 {
			t.Fatalf("%x with a suffix is not below %x", a, b)
		}
	})
}
