// Package plan turns a logical graph into stages: chains of physical operators
// that run fused, in one goroutine a task, with exchanges between them.
//
//	read ─ keyby ─ window ─ combine ─ values ─ write          logical graph
//
//	stage 0: read ─ keyby ─ window ─ partial ═╗               plan
//	                                          ║ hash(key group)
//	stage 1:                                  ╚═ combine ─ values ─ write
//
// A batch plan and a streaming plan have the same stages; they differ in whether
// the exchanges are blocked or pipelined and in when stages are scheduled.
//
// What the plan decides by itself: which columns a source must read, which
// conditions it may use to skip data, where partial aggregation runs.
package plan

import (
	"fmt"

	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// Mode says how stages exchange data and when they run.
type Mode uint8

// The modes. Auto chooses Batch when every source is bounded.
const (
	Auto Mode = iota
	Batch
	Streaming
)

// String returns the word of the -plan flag.
func (m Mode) String() string { return [...]string{"auto", "batch", "streaming"}[m] }

// ParseMode reads the word of the -plan flag.
func ParseMode(s string) (Mode, error) {
	for m := Auto; m <= Streaming; m++ {
		if m.String() == s {
			return m, nil
		}
	}
	return Auto, fmt.Errorf("plan %q is unknown; use auto, batch or streaming", s)
}

// Plan is what a runner executes.
type Plan struct {
	Graph       *graph.Graph
	Mode        Mode
	Parallelism int
	Stages      []*Stage // producers before consumers
	Exchanges   []*Exchange
}

// Stage is a set of operators that are fused: each task runs one instance of all.
type Stage struct {
	ID  int
	Ops []*Op // inputs before consumers
}

// Kind is the kind of a physical operator.
type Kind uint8

// The physical operators.
const (
	Read Kind = iota
	Receive
	Rows
	Async
	Where
	Project
	Rewindow
	Union
	Partial
	Scatter
	Forward
	Broadcast
	Rebalance
	Otherwise
	Combine
	Deal
	Build
	Lookup
	Await
	Join
	Stateful
	Sort
	Write
)

var kindNames = [...]string{
	Read:      "read",
	Receive:   "receive",
	Rows:      "rows",
	Async:     "async",
	Where:     "where",
	Project:   "project",
	Rewindow:  "window",
	Union:     "flatten",
	Partial:   "partial",
	Scatter:   "scatter",
	Forward:   "forward",
	Broadcast: "broadcast",
	Rebalance: "rebalance",
	Otherwise: "otherwise",
	Combine:   "combine",
	Deal:      "deal",
	Build:     "index",
	Lookup:    "lookup",
	Await:     "await",
	Join:      "join",
	Stateful:  "stateful",
	Sort:      "sort",
	Write:     "write",
}

// String returns the operator's name in EXPLAIN.
func (k Kind) String() string { return kindNames[k] }

// Op is a physical operator.
type Op struct {
	ID       int // index over the whole plan
	Kind     Kind
	Node     *graph.Node
	Stage    *Stage
	Inputs   []Input
	Exchange *Exchange // of Receive, and of what sends: Partial, Scatter, Forward, Broadcast, Rebalance and Deal
	Indexes  []*Index  // of Deal, Build and Await, which have one, and of Lookup
	Side     int       // of a Scatter, and of a Deal on the streaming plan: the input of the node that it sends
	Hop      *Hop      // of Await, and of what deals to it

	// Needed and Filter are what a Read asks of its source.
	Needed []bool
	Filter *field.Predicate
	// InOrder says that the tasks of a Read take its splits in contiguous ranges,
	// the first task the first, because their order shows in the output.
	InOrder bool
}

// Input is an output of an operator in the same stage.
type Input struct {
	Op     *Op
	Output int
}

// Exchange carries rows from one stage to another.
type Exchange struct {
	ID       int
	Hash     bool // by key group; otherwise task i feeds task i, or all when From is a Broadcast or Rebalance
	From, To *Op  // the sending operator, the Receive
}

// New plans a graph.
func New(g *graph.Graph, mode Mode, parallelism int) (*Plan, error) {
	bounded := g.Bounded()
	switch {
	case mode == Auto && bounded:
		mode = Batch
	case mode == Auto:
		mode = Streaming
	case mode == Batch && !bounded:
		return nil, fmt.Errorf("the batch plan needs bounded sources, but %s never ends; use -plan streaming", unbounded(g))
	}
	if parallelism < 1 {
		return nil, fmt.Errorf("parallelism is %d; it must be at least 1", parallelism)
	}
	if mode == Streaming {
		if err := refuseStreaming(g); err != nil {
			return nil, err
		}
	}
	if err := sortable(g, mode); err != nil {
		return nil, err
	}
	b := &builder{plan: &Plan{Graph: g, Mode: mode, Parallelism: parallelism}, outputs: make(map[graph.Edge]Input), levels: make(map[*graph.Node]int)}
	for _, n := range g.Nodes {
		b.level(n)
	}
	b.lift()
	for _, n := range g.Nodes {
		b.add(n)
	}
	b.stages()
	b.pushDown()
	if mode == Batch {
		b.keepOrder()
	}
	return b.plan, nil
}

func unbounded(g *graph.Graph) string {
	for _, n := range g.Nodes {
		if r, ok := n.Op.(*graph.Read); ok && !r.Source.Bounded() {
			return n.Name
		}
	}
	return "a source"
}

// builder makes the physical operators.
type builder struct {
	plan    *Plan
	ops     []*Op
	levels  map[*graph.Node]int
	outputs map[graph.Edge]Input
	indexes int // so far
}

// level is how many exchanges lie before a node. Operators of one level that
// are connected are one stage; an edge between levels is an exchange, so stages
// can never wait for each other in a circle.
func (b *builder) level(n *graph.Node) {
	for i, in := range n.Inputs {
		level := b.levels[in.Node]
		if i > 0 && b.beside(n) {
			level++
		}
		b.levels[n] = max(b.levels[n], level)
	}
	if b.shuffled(n) {
		b.levels[n]++
	}
}

// beside reports whether all inputs of a node but the first must be complete before
// that is read.
func (b *builder) beside(n *graph.Node) bool {
	switch n.Op.(type) {
	case *graph.PointInTime:
		return b.plan.Mode == Batch
	case *graph.Rows, *graph.Stateful:
		return true
	}
	return false
}

// shuffled reports whether all inputs of a node come through exchanges.
func (b *builder) shuffled(n *graph.Node) bool {
	switch n.Op.(type) {
	case *graph.PointInTime:
		return b.plan.Mode == Streaming
	case *graph.Combine, *graph.Join, *graph.Reshuffle, *graph.Stateful:
		return true
	}
	return false
}

func (b *builder) op(kind Kind, n *graph.Node, inputs ...Input) *Op {
	o := &Op{ID: len(b.ops), Kind: kind, Node: n, Inputs: inputs}
	b.ops = append(b.ops, o)
	return o
}

func (b *builder) add(n *graph.Node) {
	var o *Op
	switch op := n.Op.(type) {
	case *graph.Read:
		o = b.op(Read, n)
	case *graph.Combine:
		o = b.combine(n, op)
	case *graph.Join:
		o = b.join(n)
	case *graph.Rows:
		o = b.op(Rows, n, b.withSides(n, b.input(n, n.Inputs[0]))...)
	case *graph.Stateful:
		send := b.op(Scatter, n, b.outputs[n.Inputs[0]])
		o = b.op(Stateful, n, b.withSides(n, Input{b.exchange(send, n, true), 0})...)
	case *graph.Async:
		o = b.op(Async, n, b.inputs(n)...)
	case *graph.Where:
		o = b.op(Where, n, b.inputs(n)...)
	case *graph.Project:
		o = b.op(Project, n, b.inputs(n)...)
	case *graph.Window:
		o = b.op(Rewindow, n, b.inputs(n)...)
	case *graph.Flatten:
		o = b.op(Union, n, b.inputs(n)...)
	case *graph.Reshuffle:
		o = b.exchange(b.op(Rebalance, n, b.outputs[n.Inputs[0]]), n, false)
	case *graph.Otherwise:
		o = b.op(Otherwise, n, b.inputs(n)...)
	case *graph.PointInTime:
		if b.plan.Mode == Streaming {
			o = b.hops(n, op)
		} else {
			o = b.pointInTime(n, op)
		}
	case *graph.Write:
		in := b.inputs(n)
		if len(SortBy(op)) > 0 {
			in = []Input{{b.op(Sort, n, in...), 0}}
		}
		o = b.op(Write, n, in...)
	default:
		panic(fmt.Sprintf("plan: no physical operator for %T", n.Op))
	}
	for i := range n.Outputs {
		b.outputs[graph.Edge{Node: n, Output: i}] = Input{o, i}
	}
}

// inputs connects a node to the operators before it, through a forward exchange
// where they are on another level.
func (b *builder) inputs(n *graph.Node) []Input {
	var inputs []Input
	for _, e := range n.Inputs {
		inputs = append(inputs, b.input(n, e))
	}
	return inputs
}

func (b *builder) input(n *graph.Node, e graph.Edge) Input {
	in := b.outputs[e]
	if b.levels[e.Node] == b.levels[n] {
		return in
	}
	send := b.op(Forward, n, in)
	return Input{b.exchange(send, n, false), 0}
}

// Triggered reports whether the windows of a Combine need an operator that looks at
// rows one by one. In a batch plan nothing is late, and what a window gives before
// its end it may as well give there.
func Triggered(n *graph.Node, mode Mode) bool {
	s := n.Inputs[0].Windowing().Strategy
	if mode == Batch {
		return !s.Trigger.AtEnd() || s.Combiner != window.EndOfWindow
	}
	return !s.Simple() || len(n.Outputs) > 1
}

// combine makes both halves of a Combine. Rows are aggregated before the exchange,
// except where only the receiver can know what belongs together: in sessions, and
// in windows that fire when a trigger says so.
func (b *builder) combine(n *graph.Node, c *graph.Combine) *Op {
	in := b.outputs[n.Inputs[0]]
	w := n.Inputs[0].Windowing()
	kind := Partial
	if w.Fn.Kind() == window.KindSession && !w.Grouped || Triggered(n, b.plan.Mode) {
		kind = Scatter
	}
	send := b.op(kind, n, in)
	return b.op(Combine, n, Input{b.exchange(send, n, true), 0})
}

// withSides returns the inputs of an operator with user code: that of its rows, and
// its side inputs, which are sent to all tasks.
func (b *builder) withSides(n *graph.Node, rows Input) []Input {
	inputs := []Input{rows}
	for _, side := range n.Inputs[1:] {
		send := b.op(Broadcast, n, b.outputs[side])
		inputs = append(inputs, Input{b.exchange(send, n, false), 0})
	}
	return inputs
}

func (b *builder) exchange(send *Op, n *graph.Node, hash bool) *Op {
	x := &Exchange{ID: len(b.plan.Exchanges), Hash: hash, From: send}
	b.plan.Exchanges = append(b.plan.Exchanges, x)
	receive := b.op(Receive, n)
	x.To = receive
	send.Exchange, receive.Exchange = x, x
	return receive
}

// stages puts connected operators together: union-find over the edges inside a
// stage, then numbers in the order of the first operator.
func (b *builder) stages() {
	parent := make([]int, len(b.ops))
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	for _, o := range b.ops {
		for _, in := range o.Inputs {
			x, y := find(o.ID), find(in.Op.ID)
			parent[max(x, y)] = min(x, y)
		}
	}
	byRoot := make(map[int]*Stage)
	for _, o := range b.ops {
		root := find(o.ID)
		s := byRoot[root]
		if s == nil {
			s = &Stage{}
			byRoot[root] = s
			b.plan.Stages = append(b.plan.Stages, s)
		}
		o.Stage = s
		s.Ops = append(s.Ops, o)
	}
	b.order()
}

// order sorts stages so that producers come first, and numbers them.
func (b *builder) order() {
	var ordered []*Stage
	done := make(map[*Stage]bool)
	var visit func(s *Stage)
	visit = func(s *Stage) {
		if done[s] {
			return
		}
		done[s] = true
		for _, o := range s.Ops {
			if o.Kind == Receive {
				visit(o.Exchange.From.Stage)
			}
			for _, x := range o.Indexes {
				if o.Kind == Lookup {
					visit(x.Build.Stage)
				}
			}
		}
		s.ID = len(ordered)
		ordered = append(ordered, s)
	}
	for _, s := range b.plan.Stages {
		visit(s)
	}
	b.plan.Stages = ordered
}
