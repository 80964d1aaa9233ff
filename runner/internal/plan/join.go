package plan

import (
	"fmt"

	"github.com/leatflow/leat/sdk/graph"
)

// A Join sends both sides by key group to where they meet. The right side is what
// is held in memory, so its exchange is read first:
//
//	stage 0: read orders ─ scatter ═══════╗
//	stage 1: read users  ─ scatter ═╗     ║
//	stage 2:                        ╚═════╩═ join

// join makes the operators of a Join.
func (b *builder) join(n *graph.Node) *Op {
	var received [2]*Op
	for side := 1; side >= 0; side-- { // inputs are read in the order in which they are made
		send := b.op(Scatter, n, b.outputs[n.Inputs[side]])
		send.Side = side
		received[side] = b.exchange(send, n, true)
	}
	return b.op(Join, n, Input{received[0], 0}, Input{received[1], 0})
}

// explainJoin says what is held and what is matched.
func explainJoin(o *Op) string {
	op, in := o.Node.Op.(*graph.Join), o.Node.Inputs
	held := fmt.Sprintf("%s; key %s; holds %s", op.Detail(), op.Key, in[1].Node.Name)
	if !op.Paired() {
		return held + " in the order of time"
	}
	return fmt.Sprintf("%s; windows %s", held, in[0].Windowing().Fn)
}
