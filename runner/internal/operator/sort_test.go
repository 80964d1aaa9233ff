package operator

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
)

// Rows of any types come out sorted by any columns, up and down, the same with
// and without a disk, however they were cut into batches and in whatever order
// they came.
func TestSort(t *testing.T) {
	area := spill.NewArea(t.TempDir(), nil)
	defer area.Close()
	rapid.Check(t, func(t *rapid.T) {
		typ := &batch.Type{Kind: batch.Struct}
		for _, name := range []string{"a", "b", "c"} {
			typ.Fields = append(typ.Fields, batch.Field{Name: name, Type: batchtest.Type(t, 1)})
		}
		var keys []connector.SortKey
		for _, name := range rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3).Draw(t, "by") {
			keys = append(keys, connector.SortKey{Column: name, Descending: rapid.Bool().Draw(t, "descending")})
		}
		var in []*batch.Batch
		rows := 0
		for range rapid.IntRange(1, 8).Draw(t, "batches") {
			n := rapid.IntRange(1, 30).Draw(t, "rows")
			b := &batch.Batch{Root: batchtest.Column(t, typ, n)}
			if rapid.Bool().Draw(t, "timed") {
				b.Time = rapid.SliceOfN(rapid.Int64Range(0, 3), n, n).Draw(t, "time")
			}
			in = append(in, b)
			rows += n
		}
		first := sortAll(t, typ, keys, in, Room{})
		if len(first) != rows {
			t.Fatalf("%d rows came out of %d", len(first), rows)
		}
		slices.Reverse(in)
		for _, share := range []int64{1, 400, 3000} {
			if again := sortAll(t, typ, keys, in, Room{Holder: "the test", Share: share, Area: area}); !slices.Equal(again, first) {
				t.Fatalf("with a share of %d the order is\n%v\nnot\n%v", share, again, first)
			}
		}
	})
	if area.Written() == 0 {
		t.Error("nothing was written to disk")
	}
}

// sortAll sorts batches, checks the order, and returns the rows as text.
func sortAll(t *rapid.T, typ *batch.Type, keys []connector.SortKey, in []*batch.Batch, room Room) (rows []string) {
	op, err := NewSort(typ, keys, room)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range in {
		if err := op.Process(t.Context(), b, nil); err != nil {
			t.Fatal(err)
		}
	}
	var before []byte
	err = op.End(t.Context(), func(_ int, b *batch.Batch) error {
		if err := batch.Validate(b.Root); err != nil {
			return err
		}
		for row := range b.Len() {
			var key []byte
			for _, k := range keys {
				path, err := k.Path(typ)
				if err != nil {
					return err
				}
				part := codec.AppendKey(nil, b.Root.Flatten(path), row)
				for i := range part {
					if k.Descending {
						part[i] = ^part[i]
					}
				}
				key = append(key, part...)
			}
			if bytes.Compare(before, key) > 0 {
				return fmt.Errorf("row %d, %s, comes behind a higher one", row, b.Root.Format(row))
			}
			before = key
			rows = append(rows, fmt.Sprintf("%x at %d", codec.AppendKey(nil, b.Root, row), b.TimeAt(row)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := op.Close(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// A column that is not there is refused by name.
func TestSortUnknown(t *testing.T) {
	typ := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "a", Type: &batch.Type{Kind: batch.Int64}}}}
	for _, name := range []string{"b", "a.b", ""} {
		if _, err := NewSort(typ, []connector.SortKey{{Column: name}}, Room{}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// BenchmarkSort sorts a million rows by an integer, in memory and in runs.
func BenchmarkSort(b *testing.B) {
	integer := &batch.Type{Kind: batch.Int64}
	typ := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "a", Type: integer}, {Name: "b", Type: integer}}}
	r := rand.New(rand.NewPCG(1, 2))
	const n = 1 << 20
	var in []*batch.Batch
	for from := 0; from < n; from += batch.TargetRows {
		x, y := make([]int64, batch.TargetRows), make([]int64, batch.TargetRows)
		for i := range x {
			x[i], y[i] = r.Int64(), int64(from+i)
		}
		in = append(in, &batch.Batch{Root: batch.NewStruct(typ, batch.TargetRows, batch.NewInts(integer, x), batch.NewInts(integer, y))})
	}
	area := spill.NewArea(b.TempDir(), nil)
	defer area.Close()
	for name, room := range map[string]Room{"memory": {}, "runs": {Holder: "the test", Share: 8 << 20, Area: area}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				op, err := NewSort(typ, []connector.SortKey{{Column: "a"}}, room)
				if err != nil {
					b.Fatal(err)
				}
				for _, batch := range in {
					if err := op.Process(b.Context(), batch, nil); err != nil {
						b.Fatal(err)
					}
				}
				if err := op.End(b.Context(), func(int, *batch.Batch) error { return nil }); err != nil {
					b.Fatal(err)
				}
				if err := op.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
		})
	}
}
