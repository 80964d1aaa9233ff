package events

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/snappy"
)

// dictionaryBytes is where a column chunk stops using its dictionary: the usual
// limit of other writers, so that user_id and at begin with codes and fall back
// to plain half-way, as such columns do in the wild.
const dictionaryBytes = 1 << 20

// Ensure makes the file at path with so many rows of a table unless it is there
// already. A file is complete when it has its final name.
func Ensure(path string, rows int64, t Table) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".events-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(write(f, rows, t), f.Close()); err != nil {
		return fmt.Errorf("events: %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

func write(out io.Writer, rows int64, t Table) error {
	w := parquet.NewGenericWriter[any](out, t.schema,
		parquet.Compression(&snappy.Codec{}),
		parquet.DictionaryMaxBytes(dictionaryBytes),
		parquet.CreatedBy("leat benchmarks/backfill/events", "1", ""))
	for group := 0; rows > 0; group++ {
		n := min(rows, GroupRows)
		if err := writeGroup(w, t.begin(group), n); err != nil {
			return err
		}
		rows -= n
	}
	return w.Close()
}

// writeGroup writes n rows as one row group, a slice of values a column.
func writeGroup(w *parquet.GenericWriter[any], next func() []parquet.Value, n int64) error {
	const chunk = 8192
	columns := w.ColumnWriters()
	values := make([][]parquet.Value, len(columns))
	for ; n > 0; n -= chunk {
		for c := range values {
			values[c] = values[c][:0]
		}
		for range min(n, chunk) {
			for c, v := range next() {
				values[c] = append(values[c], v.Level(0, 1, c))
			}
		}
		for c, column := range columns {
			if _, err := column.WriteRowValues(values[c]); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}
