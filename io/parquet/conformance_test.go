package parquet_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/connectortest"
	"github.com/leatflow/leat/sdk/connector/staging"
)

// writeDir writes batches with a sink, one for each task.
func writeDir(t testing.TB, s connector.Sink, cols ...*batch.Column) []connector.Staged {
	t.Helper()
	ctx := context.Background()
	out, err := s.Open(ctx, connector.SinkRequest{Step: "test", Type: cols[0].Type, Parallelism: len(cols)})
	if err != nil {
		t.Fatal(err)
	}
	var staged []connector.Staged
	for task, c := range cols {
		w, err := out.Writer(ctx, task)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(ctx, &batch.Batch{Root: c}); err != nil {
			t.Fatal(err)
		}
		done, err := w.Close(ctx)
		if err != nil {
			t.Fatal(err)
		}
		staged = append(staged, done)
	}
	if err := out.Commit(ctx, staged); err != nil {
		t.Fatal(err)
	}
	return staged
}

// readAll returns every batch of a source.
func readAll(s connector.Source, r connector.Request) (out []*batch.Column, err error) {
	ctx := context.Background()
	in, err := s.Open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	for _, split := range in.Splits() {
		reader, err := in.Reader(ctx, split)
		if err != nil {
			return nil, err
		}
		for {
			b, err := reader.Read(ctx)
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, errors.Join(err, reader.Close())
			}
			out = append(out, b.Root)
		}
		if err := reader.Close(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readOne returns the rows of a source as one column.
func readOne(s connector.Source, t *batch.Type) (*batch.Column, error) {
	cols, err := readAll(s, connector.Request{Type: t, BatchRows: 1 << 20})
	if err != nil || len(cols) == 0 {
		return &batch.Column{Type: t}, err
	}
	return concat(t, cols), nil
}

// concat puts columns end to end.
func concat(t *batch.Type, cols []*batch.Column) *batch.Column {
	out := &batch.Column{Type: t}
	form := t.Kind.Form()
	if form == batch.ListForm {
		out.Offsets = []int32{0}
	}
	for _, c := range cols {
		for i := range c.Len {
			if t.Nullable {
				if out.Valid = append(out.Valid, make([]byte, (out.Len+8)/8-len(out.Valid))...); !c.Null(i) {
					out.Valid.Set(out.Len)
				}
			}
			out.Len++
			switch form {
			case batch.IntForm:
				out.Ints = append(out.Ints, c.Ints[i])
			case batch.FloatForm:
				out.Floats = append(out.Floats, c.Floats[i])
			case batch.BoolForm:
				out.Bools = append(out.Bools, c.Bools[i])
			case batch.StringForm:
				out.Strings.Append(c.Text(i))
			case batch.ListForm:
				from, to := c.Range(i)
				out.Offsets = append(out.Offsets, out.Offsets[out.Len-1]+int32(to-from))
			}
		}
	}
	for k, f := range t.Fields {
		var parts []*batch.Column
		for _, c := range cols {
			part := c.Children[k]
			if form == batch.ListForm {
				part = part.Slice(int(c.Offsets[0]), int(c.Offsets[c.Len]))
			}
			parts = append(parts, part)
		}
		out.Children = append(out.Children, concat(f.Type, parts))
	}
	return out
}

func TestSourceConformance(t *testing.T) {
	// The source keeps the connector contract, over several files and row groups.
	rows := connectortest.Sample(connectortest.EveryKind(), 500, 1)
	dir := t.TempDir() + "/data"
	writeDir(t, parquet.Sink{Dir: dir, RowGroupRows: 70}, rows.Slice(0, 160), rows.Slice(160, 165), rows.Slice(165, 500))
	connectortest.TestSource(t, connectortest.SourceCase{
		Type: rows.Type, Want: rows,
		New: func(*testing.T) connector.Source { return parquet.Source{Path: dir} },
	})
}

func TestSinkConformance(t *testing.T) {
	// The sink keeps the connector contract, failing disks included, for every
	// type.
	rows := connectortest.Sample(connectortest.EveryKind(), 60, 2)
	connectortest.TestSink(t, connectortest.SinkCase{
		Type: rows.Type, Rows: rows,
		New: func(_ *testing.T, dir string, system staging.FS) connector.Sink {
			return parquet.Sink{Dir: dir, RowGroupRows: 8, FS: system}
		},
		Overwrite: func(_ *testing.T, dir string, system staging.FS) connector.Sink {
			return parquet.Sink{Dir: dir, FS: system, Overwrite: parquet.OverwriteAll}
		},
		ReadBack: func(_ *testing.T, dir string) (*batch.Column, error) {
			return readOne(parquet.Source{Path: dir}, rows.Type)
		},
	})
}

func constant(v string, n int) (s batch.Strings) {
	for range n {
		s.Append(v)
	}
	return s
}
