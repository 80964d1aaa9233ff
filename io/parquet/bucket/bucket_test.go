package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/io/parquet/bucket"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

var numbers = &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "n", Type: &batch.Type{Kind: batch.Int64}}}}

// file returns a file of the numbers from, from+1, … in row groups of ten.
func file(t *testing.T, from, n int64) []byte {
	t.Helper()
	dir := t.TempDir() + "/out"
	ctx := t.Context()
	out, err := parquet.Sink{Dir: dir, RowGroupRows: 10}.Open(ctx, connector.SinkRequest{Type: numbers, Parallelism: 1})
	if err != nil {
		t.Fatal(err)
	}
	w, err := out.Writer(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	var v []int64
	for i := range n {
		v = append(v, from+i)
	}
	if err := w.Write(ctx, &batch.Batch{Root: batch.NewStruct(numbers, int(n), batch.NewInts(numbers.Fields[0].Type, v))}); err != nil {
		t.Fatal(err)
	}
	staged, err := w.Close(ctx)
	if err == nil {
		err = out.Commit(ctx, []connector.Staged{staged})
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(dir + "/part-00000.parquet")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t *testing.T) *blob.Bucket {
	b := memblob.OpenBucket(nil)
	t.Cleanup(func() { b.Close() })
	for name, raw := range map[string][]byte{
		"data/2.parquet": file(t, 25, 25), "data/day=1/1.parquet": file(t, 50, 25), "data/1.parquet": file(t, 0, 25),
		"data/_tmp/x.parquet": file(t, 900, 25), "data/note.txt": []byte("no"), "bad.parquet": []byte("PAR1PAR1"),
	} {
		if err := b.WriteAll(context.Background(), name, raw, nil); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// sum reads a path and returns how many rows there are and their sum.
func sum(ctx context.Context, b *blob.Bucket, path string) (rows int, total int64, err error) {
	in, err := parquet.Source{Bucket: bucket.Of(b), Path: path}.Open(ctx, connector.Request{Type: numbers})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	for _, s := range in.Splits() {
		r, err := in.Reader(ctx, s)
		if err != nil {
			return 0, 0, err
		}
		for {
			b, err := r.Read(ctx)
			if err == io.EOF {
				break
			}
			if err != nil {
				return 0, 0, errors.Join(err, r.Close())
			}
			for _, v := range b.Root.Children[0].Ints {
				rows, total = rows+1, total+v
			}
		}
		if err := r.Close(); err != nil {
			return 0, 0, err
		}
	}
	return rows, total, nil
}

func TestBucket(t *testing.T) {
	// A key, a prefix and a pattern give the rows of their objects, hidden ones
	// left out.
	b := open(t)
	for path, want := range map[string]string{
		"data/2.parquet": "25 925", "data/": "75 2775", "data/*.parquet": "50 1225",
	} {
		rows, total, err := sum(t.Context(), b, path)
		if got := fmt.Sprint(rows, " ", total); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", path, got, err, want)
		}
	}
}

func TestBucketMistakes(t *testing.T) {
	// Keys, prefixes and patterns with nothing behind them, and objects that are
	// no Parquet files, are errors that name them.
	b := open(t)
	for path, want := range map[string]string{
		"nothing.parquet": "no such key", "data": "must end in '/'", "nothing/": "no *.parquet", "x*": "no key matches", "bad.parquet": "has 8 bytes", "[": "syntax error",
	} {
		_, _, err := sum(t.Context(), b, path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := sum(ctx, b, "data/"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}
