package connector

import (
	"fmt"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
)

// Sorting is implemented by a Sink that wants the rows of each of its writers in
// an order. The engine sorts them, on disk when memory is short; rows that are
// equal in all keys come in the order of their other columns. Only a batch plan
// can.
type Sorting interface {
	// Order returns the keys, the most significant first; none: any order.
	Order() []SortKey
}

// SortKey is a column to sort by. Null is lowest, NaN the highest number.
type SortKey struct {
	Column     string // dotted where it is nested in structs
	Descending bool
}

// String renders the key as ParseSortKey reads it.
func (k SortKey) String() string {
	if k.Descending {
		return k.Column + " desc"
	}
	return k.Column
}

// ParseSortKey reads "column" or "column desc".
func ParseSortKey(s string) SortKey {
	column, descending := strings.CutSuffix(s, " desc")
	return SortKey{Column: column, Descending: descending}
}

// Path finds the column of the key in rows of type t.
func (k SortKey) Path(t *batch.Type) ([]int, error) {
	var path []int
	at := t
	for name := range strings.SplitSeq(k.Column, ".") {
		i := -1
		if at != nil && at.Kind == batch.Struct {
			i = at.Index(name)
		}
		if i < 0 {
			return nil, fmt.Errorf("the rows are to be sorted by %q, but they are %s, which has no such column", k.Column, t)
		}
		path, at = append(path, i), at.Fields[i].Type
	}
	return path, nil
}
