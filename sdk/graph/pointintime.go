package graph

import (
	"fmt"
	"strings"
	"time"

	"github.com/leatflow/leat/sdk/agg"
)

// PointInTime makes one row of each row of input 0, the spine: columns copied
// from it, and what aggregates over the rows of other inputs were at its moment.
//
//	spine  ─ key, q ─▶ rows with that key and q−Within ≤ event time < q ─▶ aggregate
//
// The rows looked up are those of the whole input, whatever the order in which
// both sides come.
type PointInTime struct {
	Copies  []Copied
	Lookups []Lookup
}

// Copied says that a column of the spine becomes a column of the output.
type Copied struct {
	To, From []int
	Name     string // of the output column, for EXPLAIN
}

// Lookup is an aggregate over rows of one input.
type Lookup struct {
	Input     int     // which input has the rows: 1, 2, …
	Spine     [][]int // the key, columns of the spine
	Rows      [][]int // the columns of the rows that must be equal to them, in the same order
	Key       string  // names of both, for EXPLAIN
	Within    int64   // how far back rows count, in µs
	Aggregate *agg.Plan
}

// Kind implements Op.
func (*PointInTime) Kind() string { return "pointintime" }

// Detail implements Op.
func (p *PointInTime) Detail() string {
	parts := make([]string, 0, len(p.Lookups)+1)
	if len(p.Copies) > 0 {
		names := make([]string, len(p.Copies))
		for i, c := range p.Copies {
			names[i] = c.Name
		}
		parts = append(parts, "copies "+strings.Join(names, ", "))
	}
	for _, l := range p.Lookups {
		parts = append(parts, fmt.Sprintf("input %d by %s: %s", l.Input, l.Key, l.String()))
	}
	return strings.Join(parts, "; ")
}

// String renders window and aggregate: within 6h0m0s count, sum(delay).
func (l *Lookup) String() string {
	return fmt.Sprintf("within %s %s", time.Duration(l.Within)*time.Microsecond, l.Aggregate)
}

// Reads implements Op: what it reads of the spine.
func (p *PointInTime) Reads() ([][]int, bool) { return p.ReadsOf(0) }

// ReadsOf implements Joined.
func (p *PointInTime) ReadsOf(input int) (paths [][]int, all bool) {
	if input == 0 {
		for _, c := range p.Copies {
			paths = append(paths, c.From)
		}
	}
	for i := range p.Lookups {
		l := &p.Lookups[i]
		switch {
		case input == 0:
			paths = append(paths, l.Spine...)
		case l.Input == input && l.Aggregate.All():
			return nil, true
		case l.Input == input:
			paths = append(append(paths, l.Rows...), l.Aggregate.Reads()...)
		}
	}
	return paths, false
}

// Joined is implemented by operations that read other columns of each input.
// Their Reads is that of input 0.
type Joined interface {
	ReadsOf(input int) (paths [][]int, all bool)
}
