package table

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// Storage is how the files of a Parquet table hold its rows.
type Storage struct {
	Writers []string       `json:"writers"` // what wrote the files, each once
	Columns []StoredColumn `json:"columns"` // leaves, in file order
	Groups  []StoredRows   `json:"row_groups"`
	byName  map[string]int // positions in Columns
}

// StoredColumn is one leaf column over all row groups.
type StoredColumn struct {
	Name         string   `json:"name"`
	Compressed   int64    `json:"compressed_bytes"`
	Uncompressed int64    `json:"uncompressed_bytes"`
	Compression  []string `json:"compression"` // sorted
	Encodings    []string `json:"encodings"`   // sorted
	Indexed      int      `json:"row_groups_with_page_index"`
}

// StoredRows is one row group.
type StoredRows struct {
	File         string `json:"file"`
	Group        int    `json:"group"`
	Rows         int64  `json:"rows"`
	Compressed   int64  `json:"compressed_bytes"`
	Uncompressed int64  `json:"uncompressed_bytes"`
}

// Storage reads what the package pages leaves out of the footers: names of
// encodings and compressions, sizes before compression. The footers were checked
// by Open; a library that stumbles over one all the same makes an error.
func (t *Table) Storage() (*Storage, error) {
	s := &Storage{byName: map[string]int{}, Writers: []string{}, Columns: []StoredColumn{}, Groups: []StoredRows{}}
	for _, f := range t.Files {
		m, err := footer(f)
		if err != nil {
			return nil, err
		}
		if m.CreatedBy != "" && !slices.Contains(s.Writers, m.CreatedBy) {
			s.Writers = append(s.Writers, m.CreatedBy)
		}
		for i := range m.RowGroups {
			s.add(f.Path, i, &m.RowGroups[i])
		}
	}
	return s, nil
}

func footer(f File) (m *format.FileMetaData, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s is damaged: reading its footer failed with: %v", f.Path, p)
		}
	}()
	h, err := os.Open(f.Path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	p, err := parquet.OpenFile(h, f.Bytes, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return p.Metadata(), nil
}

func (s *Storage) add(file string, i int, g *format.RowGroup) {
	rows := StoredRows{File: file, Group: i, Rows: g.NumRows}
	for k := range g.Columns {
		m := &g.Columns[k].MetaData
		c := s.column(leafName(m.PathInSchema))
		if g.Columns[k].OffsetIndexLength > 0 && g.Columns[k].ColumnIndexLength > 0 {
			c.Indexed++
		}
		c.Compressed += m.TotalCompressedSize
		c.Uncompressed += m.TotalUncompressedSize
		rows.Compressed += m.TotalCompressedSize
		rows.Uncompressed += m.TotalUncompressedSize
		c.Compression = insert(c.Compression, strings.ToLower(m.Codec.String()))
		for _, e := range m.Encoding {
			// How levels are stored says nothing about the values.
			if e != format.RLE && e != format.BitPacked || m.Type == format.Boolean {
				c.Encodings = insert(c.Encodings, strings.ToLower(e.String()))
			}
		}
	}
	s.Groups = append(s.Groups, rows)
}

// leafName joins a path; the steps inside of lists and maps are shortened.
func leafName(path []string) string {
	short := make([]string, 0, len(path))
	for i, p := range path {
		if i > 0 && i < len(path)-1 && (p == "list" || p == "key_value") {
			continue
		}
		short = append(short, p)
	}
	return strings.Join(short, ".")
}

func (s *Storage) column(name string) *StoredColumn {
	at, known := s.byName[name]
	if !known {
		at = len(s.Columns)
		s.byName[name] = at
		s.Columns = append(s.Columns, StoredColumn{Name: name, Encodings: []string{}})
	}
	return &s.Columns[at]
}

// insert adds v to a sorted list that does not have it.
func insert(list []string, v string) []string {
	i, found := slices.BinarySearch(list, v)
	if found {
		return list
	}
	return slices.Insert(list, i, v)
}
