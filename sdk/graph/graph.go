// Package graph is the logical graph of a pipeline: untyped nodes that sdk/leat
// builds from typed calls and a runner turns into a plan. It runs nothing.
//
// The one central idea is erasure at the edge of the batch: what is generic in T
// (decoding rows, calling the user's function, encoding results) is compiled in
// sdk/leat into a RowFn that takes and gives batches; the engine never sees T.
//
//	leat.Map[A, B](in, "name", f)  ──▶  Node{Op: &Rows{New: func() RowFn}}
//	leat.Where(in, "late", cond)   ──▶  Node{Op: &Where{Predicate}}
//
// Nodes are in topological order by construction: a node's inputs exist before
// it does.
package graph

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// Graph is a pipeline's steps in topological order.
type Graph struct {
	Nodes []*Node
}

// Node is one step.
type Node struct {
	ID      int    // index in Graph.Nodes
	Name    string // unique, scopes joined by "/"; what only rewires has a made-up name
	Place   string // file:line of the user's call
	Op      Op
	Inputs  []Edge
	Outputs []Output // at least one; the first is the main output
}

// Edge names an output of a node.
type Edge struct {
	Node   *Node
	Output int
}

// Type returns the type of the rows on the edge.
func (e Edge) Type() *batch.Type { return e.Node.Outputs[e.Output].Type }

// Windowing returns the windowing of the rows on the edge.
func (e Edge) Windowing() Windowing { return e.Node.Outputs[e.Output].Windowing }

// Output is one collection a node makes.
type Output struct {
	Name      string // "" for the main output
	Type      *batch.Type
	Windowing Windowing
}

// Windowing says in which windows the rows of a collection are.
type Windowing struct {
	Fn window.Fn
	// Grouped: a grouping step has put each row into one window, which its batch
	// carries in Start and End. Otherwise the windows follow from event time.
	Grouped bool
	// Strategy says when the windows fire, and what happens to late rows.
	Strategy window.Strategy
}

// String renders the windowing as EXPLAIN shows it: fixed 1h0m0s, accumulating.
func (w Windowing) String() string {
	s := w.Fn.String()
	if strategy := w.Strategy.String(); strategy != "" {
		s += ", " + strategy
	}
	return s
}

// Op is what a node does: *Read, *Rows, *Async, *Where, *Project, *Window, *Combine,
// *Stateful, *Join, *PointInTime, *Flatten, *Reshuffle, *Otherwise or *Write.
type Op interface {
	// Kind is the operation's name in EXPLAIN: read, map, where, …
	Kind() string
	// Detail says the rest in EXPLAIN; "" when there is nothing to say.
	Detail() string
	// Reads returns the paths of the input columns the operation itself reads.
	// all means every column. Columns that only pass through are not listed.
	Reads() (paths [][]int, all bool)
}

// Read reads a source.
type Read struct {
	Source    connector.Source
	EventTime EventTime
	// Policy applies to records that cannot be decoded.
	Policy BadPolicy
	// Bad makes a batch of bad records for output 1, when there is one.
	Bad func(connector.BadRecord) (*batch.Batch, error)
}

// EventTime says where a source's event time comes from. Without path and
// function, rows have none (all at the beginning of time).
type EventTime struct {
	Path      []int         // a time column
	Name      string        // its name, or "func"
	New       func() TimeFn // a function of the row
	Generator watermark.Generator
	// Marks computes the watermark that each row carries, batch.MinTime for none.
	// MarkPath is the column that it is, nil for a function.
	Marks    func() TimeFn
	MarkPath []int
}

// Declared reports whether rows get an event time.
func (e EventTime) Declared() bool { return e.Path != nil || e.New != nil }

// TimeFn computes the event time of every physical row of root, in µs.
type TimeFn func(root *batch.Column) ([]int64, error)

// BadPolicy says what happens to a record that cannot be decoded.
type BadPolicy uint8

// The policies. Whatever the policy, bad records are counted.
const (
	BadFails BadPolicy = iota // the job fails, naming the record
	BadSkips                  // the record is counted and left out
	BadGoes                   // the record goes to output 1
)

// Rows runs the user's code row by row. Inputs after the first are side inputs,
// which every task gets whole.
type Rows struct {
	Name   string // map, filter, flatmap, pardo, partition, keyby
	Note   string // for EXPLAIN
	New    func() (RowFn, error)
	Narrow bool // every output row is an input row with its columns: a filter, a partition
}

// RowFn is one task's instance of a Rows operation. One goroutine uses it.
type RowFn interface {
	// Start runs before the first batch.
	Start(ctx context.Context) error
	// Process handles one batch. emit may be called any number of times.
	Process(ctx context.Context, b *batch.Batch, emit Emit) error
	// Finish runs after the last batch of a task that was not aborted.
	Finish(ctx context.Context, emit Emit) error
	// Close releases what Start made, in any case.
	Close() error
}

// SideFn is implemented by the function of a step with more than one input. A row of
// input 0 is processed when the windows of the others that it sees are complete.
type SideFn interface {
	// Side takes rows of input 1, 2, …, and returns how many of them were too late for
	// every window.
	Side(input int, b *batch.Batch) (late int64, err error)
	// Complete says that windows of an input that end by w are: rows for them are late
	// from now on.
	Complete(input int, w int64)
	// Needs sets ends[i] to the end of the window of an input that row i of a dense
	// batch of input 0 sees; to batch.MinTime when it sees none.
	Needs(input int, b *batch.Batch, ends []int64)
	// Forget drops windows that end by a moment, as no row of input 0 will see them.
	Forget(by int64)
	// SideBytes estimates the memory of the rows of all inputs that are held.
	SideBytes() int64
}

// Emit passes a batch to output o of the node.
type Emit func(o int, b *batch.Batch) error

// Where keeps the rows that satisfy a predicate.
type Where struct{ Predicate *field.Predicate }

// Project rebuilds rows from columns of the input without touching values.
type Project struct {
	Name string // keyby, values, keys, side
	Expr Expr
}

// Expr is a column: the one at Path of the input (whole row when empty), or,
// when Fields is not nil, a struct of expressions, or nothing but nulls.
type Expr struct {
	Path   []int
	Fields []Expr
	Null   bool
	Type   *batch.Type
}

// Window sets the windows of a collection for the next grouping step.
type Window struct {
	Fn       window.Fn
	Strategy window.Strategy
}

// Combine groups KV rows by key and window and aggregates the values. Output 1,
// where there is one, has the rows that were too late for all of their windows.
type Combine struct {
	Name      string // combine, group, distinct
	Aggregate *agg.Plan
	Key       *batch.Type
	Late      bool // rows that are too late go to output 1, whole
}

// Flatten merges its inputs.
type Flatten struct{}

// Write writes to a sink.
type Write struct{ Sink connector.Sink }

// Kind implements Op.
func (*Read) Kind() string { return "read" }

// Detail implements Op.
func (r *Read) Detail() string {
	s := r.Source.String()
	if r.EventTime.Declared() {
		s += ", event time " + r.EventTime.Name + ", watermark " + r.EventTime.Generator.String()
	} else if g := r.EventTime.Generator.String(); g != "none" {
		s += ", watermark " + g
	}
	return s
}

// Reads implements Op: a read has no input.
func (*Read) Reads() ([][]int, bool) { return nil, false }

// Kind implements Op.
func (r *Rows) Kind() string { return r.Name }

// Detail implements Op.
func (r *Rows) Detail() string { return r.Note }

// Reads implements Op: a closure may read every field of its struct.
func (*Rows) Reads() ([][]int, bool) { return nil, true }

// Kind implements Op.
func (*Where) Kind() string { return "where" }

// Detail implements Op.
func (w *Where) Detail() string { return w.Predicate.String() }

// Reads implements Op.
func (w *Where) Reads() ([][]int, bool) { return w.Predicate.Reads(nil), false }

// Kind implements Op.
func (p *Project) Kind() string { return p.Name }

// Detail implements Op.
func (*Project) Detail() string { return "" }

// Reads implements Op: a projection passes columns on.
func (*Project) Reads() ([][]int, bool) { return nil, false }

// Kind implements Op.
func (*Window) Kind() string { return "window" }

// Detail implements Op.
func (w *Window) Detail() string { return Windowing{Fn: w.Fn, Strategy: w.Strategy}.String() }

// Reads implements Op.
func (*Window) Reads() ([][]int, bool) { return nil, false }

// Kind implements Op.
func (c *Combine) Kind() string { return c.Name }

// Detail implements Op.
func (c *Combine) Detail() string { return c.Aggregate.String() }

// Reads implements Op: the key, and of the value what the aggregate reads; where
// late rows go on, all of them.
func (c *Combine) Reads() ([][]int, bool) {
	if c.Late {
		return nil, true
	}
	paths := [][]int{{0}}
	if c.Aggregate.All() {
		return append(paths, []int{1}), false
	}
	for _, p := range c.Aggregate.Reads() {
		paths = append(paths, append([]int{1}, p...))
	}
	return paths, false
}

// Kind implements Op.
func (*Flatten) Kind() string { return "flatten" }

// Detail implements Op.
func (*Flatten) Detail() string { return "" }

// Reads implements Op.
func (*Flatten) Reads() ([][]int, bool) { return nil, false }

// Kind implements Op.
func (*Write) Kind() string { return "write" }

// Detail implements Op.
func (w *Write) Detail() string { return w.Sink.String() }

// Reads implements Op: a sink writes every column.
func (*Write) Reads() ([][]int, bool) { return nil, true }

// String lists the nodes, one a line, as tests and the fingerprint see them.
func (g *Graph) String() string {
	var b strings.Builder
	for _, n := range g.Nodes {
		fmt.Fprintf(&b, "%d %s %q", n.ID, n.Op.Kind(), n.Name)
		for _, in := range n.Inputs {
			fmt.Fprintf(&b, " ←%d.%d", in.Node.ID, in.Output)
		}
		if d := n.Op.Detail(); d != "" {
			fmt.Fprintf(&b, " (%s)", d)
		}
		for _, o := range n.Outputs {
			fmt.Fprintf(&b, " → %s %s", o.Type, o.Windowing)
			if o.Windowing.Grouped {
				b.WriteString(" grouped")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Fingerprint is a hash over names, operations, types, windows and edges. Every
// process built from the same program has the same one.
func (g *Graph) Fingerprint() uint64 {
	h := fnv.New64a()
	h.Write([]byte(g.String()))
	return h.Sum64()
}

// Bounded reports whether every source ends.
func (g *Graph) Bounded() bool {
	for _, n := range g.Nodes {
		if r, ok := n.Op.(*Read); ok && !r.Source.Bounded() {
			return false
		}
	}
	return true
}
