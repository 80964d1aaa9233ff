package plan

import (
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// A PointInTime step becomes indexes over what is looked up, one for each
// collection and key, and a probe that the spine runs through where it is read:
//
//	stage 0: read reports ─ deal ═╗
//	                              ║ by key
//	stage 1:                      ╚═ index          ┐ must be complete
//	stage 2: read departures ─ lookup ─ write       ◀┘
//
// The spine is neither moved nor sorted, so its order is that of the output.

// Index is an index of a PointInTime step.
type Index struct {
	ID      int
	Node    *graph.Node
	Input   int     // of the node
	Keys    [][]int // columns of the rows
	Lookups []int   // of the node, those it answers
	Deal    *Op
	Build   *Op
}

// Columns says which top-level columns of the rows the index needs: all that it
// is given, and of these those that its aggregates read. nil means all.
func (x *Index) Columns() (given, aggregated []bool) {
	t := x.Node.Inputs[x.Input].Type()
	if t.Kind != batch.Struct {
		return nil, nil
	}
	given, aggregated = make([]bool, len(t.Fields)), make([]bool, len(t.Fields))
	for _, path := range x.Keys {
		if len(path) == 0 {
			return nil, nil
		}
		given[path[0]] = true
	}
	for _, l := range x.Lookups {
		for _, path := range x.lookup(l).Aggregate.Reads() {
			if len(path) == 0 {
				return nil, nil
			}
			given[path[0]], aggregated[path[0]] = true, true
		}
	}
	return given, aggregated
}

// Kept says which top-level columns a Forward sends: for a spine those that its
// step needs, as the others may be many and would be kept until it is read. nil
// means all.
func (o *Op) Kept() []bool {
	step, ok := o.Node.Op.(*graph.PointInTime)
	t := o.Node.Inputs[0].Type()
	if !ok || t.Kind != batch.Struct {
		return nil
	}
	kept := make([]bool, len(t.Fields))
	paths, all := step.ReadsOf(0)
	for _, path := range paths {
		if len(path) == 0 || all {
			return nil
		}
		kept[path[0]] = true
	}
	return kept
}

func (x *Index) lookup(l int) *graph.Lookup { return &x.Node.Op.(*graph.PointInTime).Lookups[l] }

// pointInTime makes the operators of a step.
func (b *builder) pointInTime(n *graph.Node, op *graph.PointInTime) *Op {
	var indexes []*Index
	for i := range op.Lookups {
		l := &op.Lookups[i]
		at := slices.IndexFunc(indexes, func(x *Index) bool {
			return x.Input == l.Input && slices.EqualFunc(x.Keys, l.Rows, slices.Equal[[]int])
		})
		if at < 0 {
			at = len(indexes)
			indexes = append(indexes, &Index{ID: b.indexes, Node: n, Input: l.Input, Keys: l.Rows})
			b.indexes++
		}
		indexes[at].Lookups = append(indexes[at].Lookups, i)
	}
	for _, x := range indexes {
		x.Deal = b.op(Deal, n, b.outputs[n.Inputs[x.Input]])
		x.Build = b.op(Build, n, Input{b.exchange(x.Deal, n, true), 0})
		x.Deal.Indexes, x.Build.Indexes = []*Index{x}, []*Index{x}
	}
	o := b.op(Lookup, n, b.input(n, n.Inputs[0]))
	o.Indexes = indexes
	return o
}

// lift moves what makes a spine, or the rows of a step with side inputs, to the
// level of its reader, so that it is read when indexes and side inputs are there,
// instead of before, to be kept until then. That is
// possible unless something else reads the same rows.
func (b *builder) lift() {
	consumers := make(map[*graph.Node][]*graph.Node)
	nodes := b.plan.Graph.Nodes
	for _, n := range nodes {
		for _, in := range n.Inputs {
			consumers[in.Node] = append(consumers[in.Node], n)
		}
	}
	for _, n := range slices.Backward(nodes) {
		if !b.beside(n) || b.levels[n.Inputs[0].Node] == b.levels[n] {
			continue
		}
		chain := b.chain(n.Inputs[0].Node)
		chain[n] = true
		if b.alone(n, chain, consumers) {
			for m := range chain {
				b.levels[m] = b.levels[n]
			}
		}
	}
}

// chain returns a node with all that is fused with it and comes before it.
func (b *builder) chain(n *graph.Node) map[*graph.Node]bool {
	in := map[*graph.Node]bool{n: true}
	for waiting := []*graph.Node{n}; len(waiting) > 0; {
		m := waiting[0]
		waiting = waiting[1:]
		inputs := m.Inputs
		if b.shuffled(m) {
			inputs = nil
		} else if b.beside(m) {
			inputs = inputs[:1]
		}
		for _, e := range inputs {
			if b.levels[e.Node] == b.levels[m] && !in[e.Node] {
				in[e.Node] = true
				waiting = append(waiting, e.Node)
			}
		}
	}
	return in
}

// alone reports whether nobody but the chain reads what it makes: n reads it as
// its spine and as nothing else.
func (b *builder) alone(n *graph.Node, chain map[*graph.Node]bool, consumers map[*graph.Node][]*graph.Node) bool {
	for m := range chain {
		for _, c := range consumers[m] {
			if m != n && !chain[c] {
				return false
			}
		}
		if !b.beside(m) {
			continue
		}
		for _, e := range m.Inputs[1:] {
			if chain[e.Node] {
				return false
			}
		}
	}
	return true
}
