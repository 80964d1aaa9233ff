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

// Columns are the columns of the file in their order.
var Columns = []string{"user_id", "item_id", "event_type", "cents", "cents_float", "qty", "at"}

// Renamed are other names for Columns, for the run that shows that no name is
// known to the engine.
var Renamed = []string{"who", "what", "how", "amount", "amount_float", "pieces", "happened"}

// dictionaryBytes is where a column chunk stops using its dictionary: the usual
// limit of other writers, so that user_id and at begin with codes and fall back
// to plain half-way, as such columns do in the wild.
const dictionaryBytes = 1 << 20

// Ensure makes the file at path with rows events unless it is there already. A
// file is complete when it has its final name.
func Ensure(path string, rows int64, renamed bool) error {
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
	if err := errors.Join(write(f, rows, renamed), f.Close()); err != nil {
		return fmt.Errorf("events: %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

func write(out io.Writer, rows int64, renamed bool) error {
	w := parquet.NewGenericWriter[any](out, schema(renamed),
		parquet.Compression(&snappy.Codec{}),
		parquet.DictionaryMaxBytes(dictionaryBytes),
		parquet.CreatedBy("leat benchmarks/backfill/events", "1", ""))
	for group := 0; rows > 0; group++ {
		n := min(rows, GroupRows)
		if err := writeGroup(w, group, n); err != nil {
			return err
		}
		rows -= n
	}
	return w.Close()
}

// writeGroup writes n rows as one row group, a slice of values a column.
func writeGroup(w *parquet.GenericWriter[any], group int, n int64) error {
	const chunk = 8192
	g := NewGroup(group)
	columns := w.ColumnWriters()
	values := make([][]parquet.Value, len(columns))
	for ; n > 0; n -= chunk {
		for c := range values {
			values[c] = values[c][:0]
		}
		for range min(n, chunk) {
			e := g.Next()
			for c, v := range [...]parquet.Value{
				parquet.ByteArrayValue([]byte(e.UserID)), parquet.ByteArrayValue([]byte(e.ItemID)), parquet.ByteArrayValue([]byte(e.Type)),
				parquet.Int64Value(e.Cents), parquet.DoubleValue(e.CentsFloat), parquet.Int32Value(e.Qty), parquet.Int64Value(e.At.UnixMicro()),
			} {
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
