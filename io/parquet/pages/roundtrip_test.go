package pages_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
)

// generator makes random columns of any type.
type generator struct {
	*rand.Rand
	distinct int  // strings to choose from
	coded    bool // strings as dictionaries
}

func (g generator) column(t *batch.Type, n int) *batch.Column {
	c := &batch.Column{Type: t, Len: n}
	if t.Nullable {
		c.Valid = batch.NewBitmap(n)
		for i := range n {
			if g.IntN(4) > 0 || i%100 > 50 {
				c.Valid.Set(i)
			}
		}
	}
	switch t.Kind.Form() {
	case batch.IntForm:
		low, high, ok := t.Kind.Range()
		if t.Kind == batch.Time {
			low, high, ok = -1<<50, 1<<50, true
		}
		for range n {
			v := int64(g.Uint64())
			if ok && !(low == math.MinInt64) {
				v = low + int64(g.Uint64N(uint64(high-low)+1))
			}
			c.Ints = append(c.Ints, v)
		}
	case batch.FloatForm:
		for range n {
			v := g.NormFloat64()
			if t.Kind == batch.Float32 {
				v = float64(float32(v))
			}
			c.Floats = append(c.Floats, v)
		}
	case batch.BoolForm:
		for range n {
			c.Bools = append(c.Bools, g.IntN(3) == 0)
		}
	case batch.StringForm:
		g.strings(c)
	case batch.ListForm:
		c.Offsets = []int32{0}
		for i := range n {
			k := 0
			if !c.Null(i) {
				k = max(0, g.IntN(6)-2)
			}
			c.Offsets = append(c.Offsets, c.Offsets[i]+int32(k))
		}
		for _, f := range t.Fields {
			c.Children = append(c.Children, g.column(f.Type, int(c.Offsets[n])))
		}
		if t.Kind == batch.Map { // ascending keys: the row's number of the entry
			for i := range c.Children[0].Ints {
				c.Children[0].Ints[i] = int64(i)
			}
		}
	case batch.StructForm:
		for _, f := range t.Fields {
			c.Children = append(c.Children, g.column(f.Type, n))
		}
	}
	return c
}

func (g generator) strings(c *batch.Column) {
	value := func() string { return fmt.Sprintf("value-%d", g.IntN(g.distinct)) }
	if !g.coded {
		for range c.Len {
			c.Strings.Append(value())
		}
		if c.Len == 0 {
			c.Strings.Offsets = []int32{0}
		}
		return
	}
	c.Dict = &batch.Dictionary{}
	for range 50 {
		c.Dict.Append(value())
	}
	for range c.Len {
		c.Codes = append(c.Codes, int32(g.IntN(50)))
	}
}

func nullable(k batch.Kind, f ...batch.Field) *batch.Type {
	return &batch.Type{Kind: k, Nullable: true, Fields: f}
}
func plain(k batch.Kind, f ...batch.Field) *batch.Type { return &batch.Type{Kind: k, Fields: f} }
func named(n string, t *batch.Type) batch.Field        { return batch.Field{Name: n, Type: t} }

// everything is a row type with every kind, required and nullable, and nesting.
func everything() *batch.Type {
	t := plain(batch.Struct)
	for k := batch.Bool; k <= batch.Time; k++ {
		t.Fields = append(t.Fields, named(k.String(), plain(k)), named(k.String()+"_null", nullable(k)))
	}
	item := nullable(batch.Struct, named("a", plain(batch.Int64)), named("b", nullable(batch.String)))
	t.Fields = append(t.Fields,
		named("struct", plain(batch.Struct, named("x", plain(batch.Int32)), named("y", nullable(batch.Float64)))),
		named("struct_null", nullable(batch.Struct, named("x", plain(batch.String)), named("deep", nullable(batch.Struct, named("z", nullable(batch.Time)))))),
		named("list", plain(batch.List, named("element", plain(batch.Int64)))),
		named("list_null", nullable(batch.List, named("element", nullable(batch.String)))),
		named("lists", nullable(batch.List, named("element", nullable(batch.List, named("element", nullable(batch.Int16)))))),
		named("items", nullable(batch.List, named("element", item))),
		named("map", nullable(batch.Map, named("key", plain(batch.Int64)), named("value", nullable(batch.String)))),
	)
	return t
}

func TestRoundTrip(t *testing.T) {
	// What was written comes back the same, for every type, compression, page
	// size, and number of rows read at a time, over several row groups.
	typ := everything()
	for i, o := range []pages.WriterOptions{
		{}, {Compression: pages.Zstd, PageRows: 77, RowGroupRows: 1000}, {Compression: pages.Uncompressed, PageRows: 1, RowGroupRows: 333, Background: 2},
	} {
		g := generator{rand.New(rand.NewPCG(1, uint64(i))), 100, i%2 == 0}
		var cols []*batch.Column
		for _, n := range []int{0, 1, 700, 1200} {
			cols = append(cols, g.column(typ, n))
		}
		f := open(t, write(t, typ, o, cols...))
		if !f.Type().Equal(typ) {
			t.Fatalf("type %s, want %s", f.Type(), typ)
		}
		for k, field := range typ.Fields {
			var want []string
			for _, c := range cols {
				for r := range c.Len {
					want = append(want, show(c.Children[k], r))
				}
			}
			for _, n := range []int{1, 100, 8192} {
				if got := read(t, f, field.Name, n); !slices.Equal(got, want) {
					t.Errorf("options %d: %s, %d rows at a time: differs at %d of %d", i, field.Name, n, mismatch(got, want), len(want))
				}
			}
		}
	}
}

func mismatch(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func TestWriterDeterministic(t *testing.T) {
	// The bytes are the same for the same rows, however they are cut into
	// batches, coded, and encoded in the background.
	typ := plain(batch.Struct, named("s", nullable(batch.String)), named("i", plain(batch.Int64)))
	g := generator{rand.New(rand.NewPCG(1, 2)), 40, true}
	c := g.column(typ, 5000)
	want := write(t, typ, pages.WriterOptions{RowGroupRows: 900}, c)
	var cut []*batch.Column
	for from := 0; from < c.Len; from += 123 {
		part := c.Slice(from, min(from+123, c.Len))
		rows := make([]int32, part.Len)
		for i := range rows {
			rows[i] = int32(i)
		}
		s := part.Children[0]
		undone := &batch.Column{Type: s.Type, Len: s.Len, Valid: s.Valid}
		for i := range s.Len {
			undone.Strings.Append(s.Text(i))
		}
		cut = append(cut, batch.NewStruct(typ, part.Len, undone, part.Children[1]))
	}
	for _, background := range []int{0, 1, 3} {
		got := write(t, typ, pages.WriterOptions{RowGroupRows: 900, Background: background}, cut...)
		if !bytes.Equal(got, want) {
			t.Errorf("with %d in the background the file differs: %d and %d bytes", background, len(got), len(want))
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	// Rows that do not fit the file's type are an error, and so is everything
	// after it.
	typ := plain(batch.Struct, named("n", plain(batch.Int8)))
	null := batch.NewInts(typ.Fields[0].Type, []int64{1})
	null.Valid = batch.NewBitmap(1)
	for want, c := range map[string]*batch.Column{
		"out of range for int8": batch.NewInts(typ.Fields[0].Type, []int64{1, 300}),
		"has a null":            null,
		"is missing":            nil,
		"of type struct":        batch.NewStruct(typ, 1, null),
	} {
		w, err := pages.NewWriter(new(bytes.Buffer), typ, pages.WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		err = w.Write(batch.NewStruct(typ, 1, c))
		if err == nil {
			_, err = w.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		w.Abort()
	}
	for _, bad := range []*batch.Type{plain(batch.Int64), plain(batch.Struct), plain(batch.Struct, named("", plain(batch.Int64))), plain(batch.Struct, named("s", plain(batch.Struct)))} {
		if err := pages.CheckType(bad); err == nil {
			t.Errorf("a file of %s was accepted", bad)
		}
	}
}
