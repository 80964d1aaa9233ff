package plan

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// refuseStreaming says what cannot be run as a stream: a step that would wait for ever,
// for all rows of a side input that never ends.
func refuseStreaming(g *graph.Graph) error {
	endless := make(map[*graph.Node]string)
	var errs []error
	for _, n := range g.Nodes {
		if r, ok := n.Op.(*graph.Read); ok && !r.Source.Bounded() {
			endless[n] = n.Name
		}
		for i, in := range n.Inputs {
			from := endless[in.Node]
			if from == "" {
				continue
			}
			endless[n] = from
			if i > 0 && sided(n) && in.Windowing().Fn.Kind() == window.KindGlobal {
				errs = append(errs, fmt.Errorf("step %q (%s): the side input from step %q is in the global window and comes from %s, which never ends, so it is never complete; put it into windows with leat.Window", n.Name, n.Place, in.Node.Name, from))
			}
		}
	}
	return errors.Join(errs...)
}

// sided reports whether the inputs of a node after the first are side inputs.
func sided(n *graph.Node) bool {
	switch n.Op.(type) {
	case *graph.Rows, *graph.Stateful:
		return true
	}
	return false
}
