package table

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
)

// nullPartition names the directory of nulls, as Hive does.
const nullPartition = "__HIVE_DEFAULT_PARTITION__"

// addPathColumns adds the columns that directories such as day=1 name, where all
// files have them. Only directories below the path the user gave count: one
// above may be called run=3 without being a column.
func (t *Table) addPathColumns() {
	root := fixedPart(t.Path)
	values := map[string][]string{}
	var order []string
	for _, f := range t.Files {
		rel, err := filepath.Rel(root, f.Path)
		if err != nil {
			return
		}
		for part := range strings.SplitSeq(filepath.ToSlash(filepath.Dir(rel)), "/") {
			name, value, ok := strings.Cut(part, "=")
			if !ok || name == "" {
				continue
			}
			if name = unescape(name); values[name] == nil {
				order = append(order, name)
			}
			values[name] = append(values[name], unescape(value))
		}
	}
	for _, name := range order {
		if len(values[name]) != len(t.Files) || t.Type.Index(name) >= 0 {
			continue
		}
		t.FromPath = append(t.FromPath, name)
		t.Type.Fields = append(t.Type.Fields, batch.Field{Name: name, Type: &batch.Type{Kind: kindOf(values[name]), Nullable: true}})
	}
}

// fixedPart returns the directory of path in front of the first pattern.
func fixedPart(path string) string {
	for strings.ContainsAny(path, "*?[") {
		path = filepath.Dir(path)
	}
	return path
}

// kindOf returns int64 when every value is an integer as strconv writes it, so
// that 007 stays what it is.
func kindOf(values []string) batch.Kind {
	numbers := 0
	for _, v := range values {
		if v == nullPartition {
			continue
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != v {
			return batch.String
		}
		numbers++
	}
	if numbers == 0 {
		return batch.String
	}
	return batch.Int64
}

func unescape(s string) string {
	if v, err := url.PathUnescape(s); err == nil {
		return v
	}
	return s
}
