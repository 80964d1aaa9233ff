package floor

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// readGrid reads four columns of a row group into a grid of its hours.
func readGrid(f *parquet.File, g parquet.RowGroup) (*grid, error) {
	n := int(g.NumRows())
	codes, origins, err := readStrings(f, g, "origin", make([]int32, 0, n))
	if err != nil {
		return nil, err
	}
	hours, err := readInts(f, g, "date", make([]int64, 0, n))
	if err != nil {
		return nil, err
	}
	delays, err := readInts(f, g, "delay", make([]int64, 0, n))
	if err != nil {
		return nil, err
	}
	distances, err := readInts(f, g, "distance", make([]int64, 0, n))
	if err != nil {
		return nil, err
	}
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for i, date := range hours {
		reported := date/60_000_000 + delays[i] + 20 + distances[i]/8
		h := reported / 60 // all of it is after 1970, where / is floor
		hours[i] = h
		first, last = min(first, h), max(last, h)
	}
	if n == 0 {
		return newGrid(nil, 0, 0), nil
	}
	part := newGrid(origins, first, int(last-first)+1)
	part.add(codes, hours, delays)
	return part, nil
}

// eachPage calls f with the pages of a column chunk; a page lives until f returns.
func eachPage(file *parquet.File, g parquet.RowGroup, name string, f func(parquet.Page) error) error {
	leaf, ok := file.Schema().Lookup(name)
	if !ok {
		return fmt.Errorf("there is no column %s", name)
	}
	pages := g.ColumnChunks()[leaf.ColumnIndex].Pages()
	defer pages.Close()
	for {
		p, err := pages.ReadPage()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
		if p.NumNulls() > 0 {
			err = fmt.Errorf("column %s has nulls, which this program does not know", name)
		} else {
			err = f(p)
		}
		parquet.Release(p)
		if err != nil {
			return err
		}
	}
}

// readInts appends a column of 64-bit integers to out.
func readInts(file *parquet.File, g parquet.RowGroup, name string, out []int64) ([]int64, error) {
	err := eachPage(file, g, name, func(p parquet.Page) error {
		dictionary := p.Dictionary()
		if dictionary == nil {
			data := p.Data()
			out = append(out, data.Int64()...)
			return nil
		}
		data, entries := p.Data(), dictionary.Page().Data()
		values := entries.Int64()
		for _, code := range data.Int32() {
			out = append(out, values[code])
		}
		return nil
	})
	return out, err
}

// readStrings appends the codes of a dictionary-encoded column to out.
func readStrings(file *parquet.File, g parquet.RowGroup, name string, out []int32) ([]int32, []string, error) {
	var entries []string
	err := eachPage(file, g, name, func(p parquet.Page) error {
		dictionary := p.Dictionary()
		if dictionary == nil {
			return fmt.Errorf("column %s has pages without dictionary, which this program does not know", name)
		}
		if entries == nil {
			for i := range int32(dictionary.Len()) {
				entries = append(entries, dictionary.Index(i).Clone().String())
			}
		}
		data := p.Data()
		out = append(out, data.Int32()...)
		return nil
	})
	return slices.Clip(out), entries, err
}
