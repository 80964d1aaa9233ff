package plan

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/graph"
)

// refuseStreaming says what the streaming plan cannot do.
func refuseStreaming(g *graph.Graph) error {
	advice := "use -plan batch or auto"
	if !g.Bounded() {
		advice = fmt.Sprintf("read history instead of %s, which never ends", unbounded(g))
	}
	var errs []error
	for _, n := range g.Nodes {
		switch n.Op.(type) {
		case *graph.Rows, *graph.Stateful:
			if len(n.Inputs) > 1 {
				errs = append(errs, fmt.Errorf("step %q (%s): a side input needs the batch plan, the streaming plan does not wait for one yet; %s", n.Name, n.Place, advice))
			}
		}
	}
	return errors.Join(errs...)
}
