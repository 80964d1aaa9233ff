package plan

import (
	"slices"

	"github.com/leatflow/leat/sdk/graph"
)

// keepOrder lets sources whose order shows in the output be read in contiguous
// ranges: those with a Write, an exchange that does not go by key, or one to a join
// or a stateful function in their stage. A join makes rows in the order in which its
// sides come, and a function may remember it.
func (b *builder) keepOrder() {
	for _, s := range b.plan.Stages {
		shows := slices.ContainsFunc(s.Ops, orderShows)
		for _, o := range s.Ops {
			if o.Kind == Read && o.Node.Op.(*graph.Read).Source.Bounded() {
				o.InOrder = shows
			}
		}
	}
}

func orderShows(o *Op) bool {
	switch o.Kind {
	case Write, Forward, Rebalance:
		return true
	case Scatter:
		switch o.Node.Op.(type) {
		case *graph.Join, *graph.Stateful:
			return true
		}
	}
	return false
}
