package floor

import (
	"bufio"
	"encoding/binary"
	"errors"
	"os"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// write makes n row groups in parallel and writes them to out in order.
func write(out string, columns []column, n, threads int, encode func(i int) (*group, error)) (err error) {
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	encoded := make([]chan *group, n)
	for i := range encoded {
		encoded[i] = make(chan *group, 1)
	}
	written := make(chan error, 1)
	go func() { written <- writeFile(f, columns, encoded) }()
	err = parallel(threads, n, func(i int) error {
		g, err := encode(i)
		encoded[i] <- g // nil after an error, which ends the file
		return err
	})
	return errors.Join(err, <-written)
}

// writeFile writes row groups in order, moves their offsets to where they came
// to lie, and ends with the footer.
func writeFile(f *os.File, columns []column, encoded []chan *group) error {
	w := bufio.NewWriterSize(f, 1<<20)
	w.WriteString("PAR1")
	meta := format.FileMetaData{Version: 1, Schema: schema(columns), CreatedBy: "leat benchmarks/backfill/floor"}
	offset := int64(4)
	for _, c := range encoded {
		g := <-c
		if g == nil {
			return errors.New("a row group could not be encoded")
		}
		for i := range g.meta.Columns {
			m := &g.meta.Columns[i].MetaData
			m.DataPageOffset += offset
			if columns[i].kind == text {
				m.DictionaryPageOffset += offset
			}
		}
		w.Write(g.bytes)
		offset += int64(len(g.bytes))
		meta.NumRows += g.meta.NumRows
		meta.RowGroups = append(meta.RowGroups, g.meta)
	}
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
	if err != nil {
		return err
	}
	w.Write(footer)
	w.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(footer))))
	w.WriteString("PAR1")
	return w.Flush()
}
