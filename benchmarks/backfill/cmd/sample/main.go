// Command sample cuts the small flights file that examples/flights embeds out
// of the full one. It keeps every fifth row by position, so that the sample
// covers the same six months, keeps the order of the file (and with it the
// disorder of reports), every column, every type:
//
//	row   0   1   2   3   4   5   6   7   8   9  10 …  2,999,995 …
//	keep  ▲                   ▲                   ▲        ▲
//
// The same input gives the same bytes: nothing here depends on time or chance.
//
//	go run ./cmd/sample -in ../../data/flights-3m.parquet -out ../../examples/flights/data/flights-sample.parquet
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// flight is the schema of both files. The timestamp is local time without a
// zone, and every column is nullable although none holds a null: so does the
// full file declare it.
type flight struct {
	Date        *int64  `parquet:"date,timestamp(microsecond:local),optional,dict"`
	Delay       *int64  `parquet:"delay,optional,dict"`
	Distance    *int64  `parquet:"distance,optional,dict"`
	Origin      *string `parquet:"origin,optional,dict"`
	Destination *string `parquet:"destination,optional,dict"`
}

func main() {
	in := flag.String("in", "", "the full file, flights-3m.parquet")
	out := flag.String("out", "flights-sample.parquet", "the file to write")
	every := flag.Int64("every", 5, "keep the rows whose position is divisible by this")
	groupRows := flag.Int64("group", 75_000, "rows of a row group")
	flag.Parse()
	if err := cut(*in, *out, *every, *groupRows); err != nil {
		fmt.Fprintln(os.Stderr, "sample:", err)
		os.Exit(1)
	}
}

// cut writes every nth row of in to out and removes out again when it fails.
func cut(in, out string, every, groupRows int64) (err error) {
	if every < 1 || groupRows < 1 {
		return fmt.Errorf("-every %d and -group %d must be at least 1", every, groupRows)
	}
	src, err := os.Open(in)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, dst.Close()); err != nil {
			os.Remove(out)
		}
	}()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	full, err := parquet.OpenFile(src, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	want := parquet.SchemaOf(flight{})
	if !parquet.EqualNodes(full.Schema(), want) {
		return fmt.Errorf("%s: its columns are\n%v\nnot those of flights-3m.parquet:\n%v", in, full.Schema(), want)
	}
	w := parquet.NewGenericWriter[flight](dst, want,
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedBestCompression}),
		parquet.MaxRowsPerRowGroup(groupRows),
		parquet.PageBufferSize(1<<20),
		parquet.CreatedBy("leat benchmarks/backfill/cmd/sample", "1", ""))
	if err := copyEvery(w, full, every); err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	return w.Close()
}

// copyEvery copies the rows at positions 0, every, 2·every, … of the file.
func copyEvery(w *parquet.GenericWriter[flight], f *parquet.File, every int64) error {
	position := int64(0)
	// Not chunk[:0]: moving rows inside the chunk would leave two of its slots
	// with one backing array, and the next read fills both.
	var kept []parquet.Row
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		err := eachChunk(rows, func(chunk []parquet.Row) error {
			kept = kept[:0]
			for _, row := range chunk {
				if position%every == 0 {
					kept = append(kept, row)
				}
				position++
			}
			_, err := w.WriteRows(kept)
			return err
		})
		if err := errors.Join(err, rows.Close()); err != nil {
			return err
		}
	}
	return nil
}

// eachChunk calls f with some rows at a time; they are valid until it returns.
func eachChunk(rows parquet.Rows, f func([]parquet.Row) error) error {
	buffer := make([]parquet.Row, 1024)
	for {
		n, err := rows.ReadRows(buffer)
		if n > 0 {
			if err := f(buffer[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
