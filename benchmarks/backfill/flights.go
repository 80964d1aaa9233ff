package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// renamedFlight is the flights file under other names.
type renamedFlight struct {
	Scheduled *int64  `parquet:"scheduled,timestamp(microsecond:local),optional,dict"`
	Late      *int64  `parquet:"minutes_late,optional,dict"`
	Miles     *int64  `parquet:"miles,optional,dict"`
	From      *string `parquet:"from_airport,optional,dict"`
	To        *string `parquet:"to_airport,optional,dict"`
}

// floatFlight is the flights file with floats for integers.
type floatFlight struct {
	Date        *int64   `parquet:"date,timestamp(microsecond:local),optional,dict"`
	Delay       *float64 `parquet:"delay,optional,dict"`
	Distance    *float64 `parquet:"distance,optional,dict"`
	Origin      *string  `parquet:"origin,optional,dict"`
	Destination *string  `parquet:"destination,optional,dict"`
}

// convertFlights writes the variant of the flights file in to out unless it is
// there already: the same rows in the same order and row groups.
func convertFlights(in, out, variant string) error {
	if _, err := os.Stat(out); err == nil {
		return nil
	}
	schema, convert := parquet.SchemaOf(renamedFlight{}), func(parquet.Row) {}
	if variant == "floats" {
		schema, convert = parquet.SchemaOf(floatFlight{}), func(r parquet.Row) {
			for _, c := range []int{1, 2} {
				r[c] = parquet.DoubleValue(float64(r[c].Int64())).Level(0, 1, c)
			}
		}
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	src, err := os.Open(in)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	f, err := parquet.OpenFile(src, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	dst, err := os.CreateTemp(filepath.Dir(out), ".flights-*")
	if err != nil {
		return err
	}
	defer os.Remove(dst.Name())
	w := parquet.NewGenericWriter[any](dst, schema, parquet.Compression(&zstd.Codec{}))
	for _, group := range f.RowGroups() {
		if err := copyGroup(w, group, convert); err != nil {
			return fmt.Errorf("%s: %w", out, err)
		}
	}
	if err := errors.Join(w.Close(), dst.Close()); err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	return os.Rename(dst.Name(), out)
}

func copyGroup(w *parquet.GenericWriter[any], group parquet.RowGroup, convert func(parquet.Row)) error {
	rows := group.Rows()
	defer rows.Close()
	chunk := make([]parquet.Row, 1024)
	for {
		n, err := rows.ReadRows(chunk)
		for _, r := range chunk[:n] {
			convert(r)
		}
		if _, err := w.WriteRows(chunk[:n]); err != nil {
			return err
		}
		if err == io.EOF {
			return w.Flush()
		}
		if err != nil {
			return err
		}
	}
}
