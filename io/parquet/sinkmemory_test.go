package parquet_test

import (
	"testing"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/connectortest"
)

// A sink that is told how much memory its writers may hold makes its row groups
// smaller and says what it holds; without a bound it holds a whole row group.
func TestSinkMemory(t *testing.T) {
	const rows = 20_000
	c := connectortest.Sample(connectortest.EveryKind(), rows, 1)
	held := func(memory int64) (most, staged int64, dir string) {
		dir = t.TempDir() + "/out"
		out, err := parquet.Sink{Dir: dir}.Open(t.Context(), connector.SinkRequest{Type: c.Type, Parallelism: 1, Memory: memory})
		if err != nil {
			t.Fatal(err)
		}
		w, err := out.Writer(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for from := 0; from < rows; from += 100 {
			if err := w.Write(t.Context(), (&batch.Batch{Root: c}).Slice(from, from+100)); err != nil {
				t.Fatal(err)
			}
			most = max(most, w.(connector.Sized).SizeBytes())
		}
		s, err := w.Close(t.Context())
		if err == nil {
			err = out.Commit(t.Context(), []connector.Staged{s})
		}
		if err != nil {
			t.Fatal(err)
		}
		if left := w.(connector.Sized).SizeBytes(); left != 0 {
			t.Errorf("a closed writer holds %d bytes", left)
		}
		return most, s.Rows, dir
	}
	whole, _, free := held(0)
	memory := whole / 3
	most, staged, small := held(memory)
	if most > memory*3/2 || most == 0 || staged != rows {
		t.Errorf("%d rows staged, at most %d bytes held; want %d rows in about %d (without a bound: %d)", staged, most, rows, memory, whole)
	}
	a, err := readOne(parquet.Source{Path: free}, c.Type)
	if err != nil {
		t.Fatal(err)
	}
	b, err := readOne(parquet.Source{Path: small}, c.Type)
	if err != nil {
		t.Fatal(err)
	}
	if a.Len != b.Len || a.Format(17) != b.Format(17) || a.Format(rows-1) != b.Format(rows-1) {
		t.Error("the rows depend on the memory there was")
	}
}
