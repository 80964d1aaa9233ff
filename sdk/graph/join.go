package graph

import (
	"fmt"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

// JoinKind says what a join does with rows that nothing matches.
type JoinKind uint8

// The kinds of joins.
const (
	Inner    JoinKind = iota // rows without a match are dropped
	Left                     // rows of the left side are kept
	Full                     // rows of both sides are kept
	AsOf                     // each row of the left side once, with the latest row of the right side at its time
	Interval                 // pairs whose times are near each other
)

// String returns the word that EXPLAIN has.
func (k JoinKind) String() string {
	return [...]string{"inner", "left", "full", "as of", "interval"}[k]
}

// Join puts the keyed rows of input 0, the left side, beside those of input 1 with
// an equal key in the same window. A key with a null in it is equal to none.
//
//	struct{key K, value A}  ┐
//	                        ├─▶  struct{key K, left struct{value A}, right struct{value B}}
//	struct{key K, value B}  ┘
//
// A side is null where nothing matched. AsOf does not look at windows: of all rows
// of the right side with an equal key whose time is not after that of the left row,
// it takes the one that is last in the order of time and then of canonical bytes.
// Interval does not look at windows either: it takes all rows of the right side whose
// time is from Lower to Upper after that of the left row, and a pair has the later of
// both times.
type Join struct {
	Match        JoinKind
	Key          *batch.Type // of the output
	Lower, Upper int64       // in µs, both included; Interval only
}

// JoinType returns the rows of a Join of rows of types left and right.
func (j *Join) JoinType(left, right *batch.Type) *batch.Type {
	side := func(kv *batch.Type, nullable bool) *batch.Type {
		return &batch.Type{Kind: batch.Struct, Nullable: nullable, Fields: []batch.Field{{Name: "value", Type: kv.Fields[1].Type}}}
	}
	return &batch.Type{Kind: batch.Struct, Fields: []batch.Field{
		{Name: "key", Type: j.Key},
		{Name: "left", Type: side(left, j.Match == Full)},
		{Name: "right", Type: side(right, j.Match != Inner && j.Match != Interval)},
	}}
}

// Kind implements Op.
func (*Join) Kind() string { return "join" }

// Detail implements Op.
func (j *Join) Detail() string {
	if j.Match == Interval {
		return fmt.Sprintf("interval %s … %s", time.Duration(j.Lower)*time.Microsecond, time.Duration(j.Upper)*time.Microsecond)
	}
	return j.Match.String()
}

// Paired reports whether rows are matched in windows.
func (j *Join) Paired() bool { return j.Match != AsOf && j.Match != Interval }

// Reads implements Op: what it reads of the left side.
func (j *Join) Reads() ([][]int, bool) { return j.ReadsOf(0) }

// ReadsOf implements Joined: the keys, and of rows of the same time all.
func (j *Join) ReadsOf(input int) (paths [][]int, all bool) {
	return [][]int{{0}}, j.Match == AsOf && input == 1
}

// Behind returns which column of an input the column at path of the output is; nil
// when it is of the other input.
func (j *Join) Behind(input int, path []int) [][]int {
	switch {
	case len(path) == 0:
		return [][]int{nil}
	case path[0] == 0:
		return [][]int{path}
	case path[0] != input+1:
		return nil
	case len(path) == 1:
		return [][]int{{1}}
	}
	return [][]int{append([]int{1}, path[2:]...)}
}
