package codec

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/keys.txt anew")

func of(k batch.Kind) *batch.Type { return &batch.Type{Kind: k, Nullable: true} }

// goldenColumns holds the values of testdata/keys.txt.
func goldenColumns(t *testing.T) []*batch.Column {
	texts := func(k batch.Kind, values ...string) *batch.Column {
		s := batch.Strings{}
		for _, v := range values {
			s.Append(v)
		}
		return batch.NewStrings(of(k), s)
	}
	null := batch.NewInts(of(batch.Int64), []int64{0})
	null.Valid = batch.Bitmap{0}
	leap := time.Date(2024, 2, 29, 12, 0, 0, 1000, time.UTC).UnixMicro()
	columns := []*batch.Column{null, batch.NewBools(of(batch.Bool), []bool{false, true})}
	for _, k := range []batch.Kind{batch.Int8, batch.Uint8, batch.Int64} {
		columns = append(columns, batch.NewInts(of(k), []int64{0, 1, 100}))
	}
	columns = append(columns,
		batch.NewInts(of(batch.Int64), []int64{math.MinInt64, -1, math.MaxInt64}),
		batch.NewInts(of(batch.Uint64), []int64{7, math.MinInt64, -1}),
		batch.NewFloats(of(batch.Float64), []float64{math.Inf(-1), -1.5, math.Copysign(0, -1), 0, 1.5, math.Inf(1), math.NaN()}),
		batch.NewFloats(of(batch.Float32), []float64{-1.5, float64(float32(0.1))}),
		batch.NewInts(of(batch.Time), []int64{batch.MinTime, -1, 0, leap, batch.MaxTime}),
		texts(batch.String, "", "a", "a\x00", "a\x00b", "ab", "Zürich"),
		texts(batch.Bytes, "", "a\x00"))
	type row struct {
		Key  pair[string, *int32] `leat:"key"`
		List []string             `leat:"list"`
		Map  map[string]bool      `leat:"map"`
	}
	c, err := For[row]()
	if err != nil {
		t.Fatal(err)
	}
	e := c.NewEncoder()
	five := int32(5)
	appendRows(t, e, []row{{}, {Key: pair[string, *int32]{"k", &five}, List: []string{"", "x"}, Map: map[string]bool{"b": true, "a": false}}})
	nested := e.Finish()
	return append(columns, nested, nested.Children[0], nested.Children[1], nested.Children[2])
}

// The key bytes, hashes and key groups of the values in testdata/keys.txt never
// change: they are in checkpoints.
func TestGoldenKeys(t *testing.T) {
	var out strings.Builder
	out.WriteString("# type | value | key bytes | XXH64 | key group of 128\n")
	for _, c := range goldenColumns(t) {
		typ := *c.Type
		typ.Nullable = false
		for i := range c.Len {
			key := AppendKey(nil, c, i)
			h := Hash(key)
			fmt.Fprintf(&out, "%s | %q | %x | %016x | %d\n", &typ, c.Format(i), key, h, KeyGroup(h, KeyGroups))
		}
	}
	const name = "testdata/keys.txt"
	if *rewrite {
		if err := os.WriteFile(name, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != string(want) {
		t.Fatalf("keys differ from %s:\n%s", name, got)
	}
	if Hash(nil) != 0xef46db3751d8e999 || Hash([]byte("abc")) != 0x44bc2cf5ad770999 {
		t.Fatal("Hash is not XXH64 with seed 0")
	}
	if KeyGroup(0, 128) != 0 || KeyGroup(math.MaxUint64, 128) != 127 || KeyGroup(1<<63, 7) != 3 {
		t.Fatal("KeyGroup does not take the high bits")
	}
}

// compareValues orders two rows by value, independently of their key bytes.
func compareValues(c *batch.Column, i, j int) int {
	if n, m := c.Null(i), c.Null(j); n || m {
		return cmp.Compare(truth(m), truth(n))
	}
	switch c.Type.Kind.Form() {
	case batch.IntForm:
		if c.Type.Kind == batch.Uint64 {
			return cmp.Compare(uint64(c.Ints[i]), uint64(c.Ints[j]))
		}
		return cmp.Compare(c.Ints[i], c.Ints[j])
	case batch.FloatForm:
		a, b := c.Floats[i], c.Floats[j]
		if a != a || b != b {
			return cmp.Compare(truth(a != a), truth(b != b))
		}
		return cmp.Compare(a, b)
	case batch.BoolForm:
		return cmp.Compare(truth(c.Bools[i]), truth(c.Bools[j]))
	case batch.StringForm:
		return bytes.Compare(c.Bytes(i), c.Bytes(j))
	case batch.StructForm:
		return compareRows(c.Children, i, j)
	}
	a, enda := c.Range(i)
	b, endb := c.Range(j)
	for ; a < enda && b < endb; a, b = a+1, b+1 {
		if r := compareRows(c.Children, a, b); r != 0 {
			return r
		}
	}
	return cmp.Compare(enda-a, endb-b)
}

func compareRows(columns []*batch.Column, i, j int) int {
	for _, c := range columns {
		if r := compareValues(c, i, j); r != 0 {
			return r
		}
	}
	return 0
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// For columns of any type key bytes order rows as their values do, equal values
// and only they have equal bytes, no key is the beginning of another, and all
// ways to hash give the same.
func TestKeyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := batchtest.Column(t, batchtest.Type(t, 2), rapid.IntRange(1, 8).Draw(t, "rows"))
		var keys batch.Strings
		if !AppendKeys(&keys, c, nil) || keys.Len() != c.Len {
			t.Fatalf("%d keys", keys.Len())
		}
		for i := range c.Len {
			for j := range c.Len {
				a, b := keys.Bytes(i), keys.Bytes(j)
				if got, want := Compare(a, b), compareValues(c, i, j); got != want {
					t.Fatalf("%s against %s (%s): %d, want %d\n%x\n%x", c.Format(i), c.Format(j), c.Type, got, want, a, b)
				}
				if equal := c.Equal(i, c, j); equal != bytes.Equal(a, b) {
					t.Fatalf("%s and %s: equal %v", c.Format(i), c.Format(j), equal)
				}
				if len(a) < len(b) && bytes.HasPrefix(b, a) {
					t.Fatalf("%x is the beginning of %x", a, b)
				}
			}
		}
		rows := rapid.SliceOfN(rapid.Int32Range(0, int32(c.Len-1)), 0, 12).Draw(t, "selection")
		var hasher Hasher
		all, some, again := make([]uint64, c.Len), make([]uint64, len(rows)), make([]uint64, len(rows))
		KeyHashes(c, nil, all)
		hasher.Hashes(c, nil, make([]uint64, c.Len))
		hasher.Hashes(c, rows, some)
		KeyHashes(dictionaries(c), rows, again)
		for i := range all {
			if all[i] != Hash(keys.Bytes(i)) {
				t.Fatalf("row %d of %s: %s", i, c.Type, c.Format(i))
			}
		}
		for i, r := range rows {
			if some[i] != all[r] || again[i] != all[r] {
				t.Fatalf("row %d of the selection, a %s", i, c.Type)
			}
		}
	})
}

// An integer has the same key in a field of any width.
func TestKeysAcrossWidths(t *testing.T) {
	for _, v := range []int64{0, 1, 127} {
		want := AppendKey(nil, batch.NewInts(of(batch.Int64), []int64{v}), 0)
		for k := batch.Int8; k <= batch.Uint64; k++ {
			if got := AppendKey(nil, batch.NewInts(of(k), []int64{v}), 0); !bytes.Equal(got, want) {
				t.Errorf("%d as %s: %x, as int64 %x", v, k, got, want)
			}
		}
	}
}

// Hashes taken from a dictionary are those of the key bytes, for nulls too.
func TestHashesOfNullsInDictionary(t *testing.T) {
	c := keyColumn(100, 3)
	c.Valid = batch.NewBitmap(c.Len)
	for i := 0; i < c.Len; i += 2 {
		c.Valid.Set(i)
	}
	out := make([]uint64, c.Len)
	KeyHashes(c, nil, out)
	for i, got := range out {
		if want := Hash(AppendKey(nil, c, i)); got != want {
			t.Fatalf("row %d, %s: %x, want %x", i, c.Format(i), got, want)
		}
	}
}

// keyColumn returns rows of a dictionary of user names.
func keyColumn(rows, entries int) *batch.Column {
	s, codes := batch.Strings{}, make([]int32, rows)
	for i := range entries {
		s.Append(fmt.Sprintf("user-%06d", i))
	}
	for i := range codes {
		codes[i] = int32(i * 7 % entries)
	}
	return batch.NewDictionary(&batch.Type{Kind: batch.String}, codes, &batch.Dictionary{Strings: s})
}
