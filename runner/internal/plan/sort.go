package plan

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/graph"
)

// SortBy returns the order in which a sink wants the rows of each writer.
func SortBy(w *graph.Write) []connector.SortKey {
	if s, ok := w.Sink.(connector.Sorting); ok {
		return s.Order()
	}
	return nil
}

// sortable refuses sinks that want an order which the plan cannot give.
func sortable(g *graph.Graph, mode Mode) error {
	var errs []error
	for _, n := range g.Nodes {
		w, ok := n.Op.(*graph.Write)
		if !ok {
			continue
		}
		for _, k := range SortBy(w) {
			if _, err := k.Path(n.Inputs[0].Type()); err != nil {
				errs = append(errs, fmt.Errorf("step %q (%s): %w", n.Name, n.Place, err))
			}
		}
		if mode == Streaming && len(SortBy(w)) > 0 {
			errs = append(errs, fmt.Errorf("step %q (%s): %s wants sorted rows, which a streaming plan never has all of; leave out the order or use -plan batch", n.Name, n.Place, w.Sink))
		}
	}
	return errors.Join(errs...)
}
