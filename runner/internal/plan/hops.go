package plan

import (
	"fmt"
	"slices"

	"github.com/leatflow/leat/sdk/graph"
)

// On the streaming plan what is looked up never is complete, so a row of the spine
// goes where the rows with its key come in, and waits until the watermark of these has
// passed it. Lookups of another input or by another key are another hop:
//
//	stage 0: read reports ─ deal ═╗ deal ═╗            by origin, by route
//	stage 1: read departures ─ deal ═╗    ║
//	stage 2:                      ╚══╩═ await ─ deal ═╗
//	stage 3:                              ╚═══════════╩═ await ─ write

// Hop is where the spine of a PointInTime step stops.
type Hop struct {
	Earlier []int // lookups that were answered before
	Last    bool
}

// hops makes the operators of a PointInTime step.
func (b *builder) hops(n *graph.Node, op *graph.PointInTime) *Op {
	var stops []*Index
	for i := range op.Lookups {
		l := &op.Lookups[i]
		at := slices.IndexFunc(stops, func(x *Index) bool {
			spine := x.lookup(x.Lookups[0]).Spine
			return x.Input == l.Input && slices.EqualFunc(x.Keys, l.Rows, slices.Equal[[]int]) && slices.EqualFunc(spine, l.Spine, slices.Equal[[]int])
		})
		if at < 0 {
			at = len(stops)
			stops = append(stops, &Index{ID: b.indexes, Node: n, Input: l.Input, Keys: l.Rows})
			b.indexes++
		}
		stops[at].Lookups = append(stops[at].Lookups, i)
	}
	spine := b.outputs[n.Inputs[0]]
	var o *Op
	var earlier []int
	for i, x := range stops {
		send := b.op(Deal, n, spine)
		received := b.exchange(send, n, true)
		x.Deal = b.op(Deal, n, b.outputs[n.Inputs[x.Input]])
		x.Deal.Side = x.Input
		rows := b.exchange(x.Deal, n, true)
		o = b.op(Await, n, Input{received, 0}, Input{rows, 0})
		hop := &Hop{Earlier: slices.Clip(earlier), Last: i == len(stops)-1}
		for _, op := range []*Op{send, x.Deal, o} {
			op.Indexes, op.Hop = []*Index{x}, hop
		}
		earlier = append(earlier, x.Lookups...)
		spine = Input{o, 0}
	}
	return o
}

// Spine returns the columns of what is dealt at the hop of an operator that are the
// key of the spine.
func (o *Op) Spine() [][]int {
	x := o.Indexes[0]
	keys := x.lookup(x.Lookups[0]).Spine
	if len(o.Hop.Earlier) == 0 {
		return keys
	}
	// It is wrapped, with the answers so far beside it.
	var within [][]int
	for _, path := range keys {
		within = append(within, append([]int{0}, path...))
	}
	return within
}

// awaited says what a hop answers, one lookup a line.
func awaited(o *Op) string {
	x := o.Indexes[0]
	s := fmt.Sprintf("rows of %s by key and time, once their watermark has passed the spine", x.Node.Inputs[x.Input].Node.Name)
	for _, l := range x.Lookups {
		s += fmt.Sprintf("\n            %s: %s", x.lookup(l).Key, x.lookup(l))
	}
	return s
}

// dealtSpine says by which columns the spine is dealt.
func dealtSpine(o *Op) string {
	x := o.Indexes[0]
	return "the spine " + byColumns(x.Node.Inputs[0].Type(), x.lookup(x.Lookups[0]).Spine)
}
