package leat

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// LateTo gives the rows that come too late for all of their windows, in the
// grouping step (Combine, GroupByKey, CoGroup, Distinct) or the ParDo with state right
// behind the Window it is an option of; a KeyBy may lie between. out is set by that step and may be used
// from then on:
//
//	var late leat.PCollection[Click]
//	windowed := leat.Window(clicks, window.Fixed(time.Minute), leat.LateTo(&late))
//	counts := leat.Combine(leat.KeyBy(windowed, …), "count", …)
//	leat.Write(late, "late", sink)
//
// Late rows have their event time, and are in the global window. They are counted
// all the same.
func LateTo[T any](out *PCollection[T]) WindowOption {
	return windowOption(func(w *windowing) error {
		switch {
		case out == nil:
			return errors.New("leat.LateTo needs a variable to set, got nil")
		case w.late != nil:
			return errors.New("leat.LateTo is given twice; one variable may be used by any number of steps")
		}
		w.late = &lateRows{row: reflect.TypeFor[T](), set: func(p *Pipeline, e graph.Edge, rows any) {
			if rows == nil {
				*out = PCollection[T]{pipeline: p, rows: pendingRows[T]{lateRows: w.late}}
				return
			}
			*out = PCollection[T]{pipeline: p, edge: e, rows: rows.(decoder[T])}
		}}
		return nil
	})
}

// lateRows is the variable of a LateTo until its grouping step is made.
type lateRows struct {
	row  reflect.Type
	rows any // the decoder of the rows
	set  func(p *Pipeline, e graph.Edge, rows any)

	place string // of the Window
	step  string // the grouping step that gives the rows; "": none so far
}

// pendingRows stands where the decoder of the rows will be, in the variable of a
// LateTo whose grouping step is still to come. Nothing decodes with it: such a
// collection comes from no step.
type pendingRows[T any] struct {
	decoder[T]
	*lateRows
}

// register makes a Window known as one whose late rows are wanted.
func (l *lateRows) register(p *Pipeline, n *graph.Node, rows any) {
	l.rows, l.place = rows, n.Place
	if p.late == nil {
		p.late = make(map[*graph.Node]*lateRows)
	}
	p.late[n] = l
	l.set(p, graph.Edge{}, nil)
}

// unused says which LateTo no grouping step has answered.
func (p *Pipeline) unused() (errs []error) {
	for _, n := range p.graph.Nodes {
		if l := p.late[n]; l != nil && l.step == "" {
			errs = append(errs, fmt.Errorf("%s: %s: no grouping step takes the rows of this leat.Window directly, so that nothing can be late; put leat.Window right in front of the step, or of its leat.KeyBy, or leave leat.LateTo out", l.place, n.Name))
		}
	}
	return errs
}

// early is the mistake of using late rows before there are any.
func (l *lateRows) early() error {
	if l.step == "" {
		return fmt.Errorf("the late rows of the leat.Window at %s are used before the grouping step that they are late for; use the variable of leat.LateTo behind it", l.place)
	}
	return fmt.Errorf("this is a copy of the variable of leat.LateTo at %s, made before step %q set it; use the variable itself", l.place, l.step)
}

// lateOf finds the LateTo of the Window that the rows of e come from. keyed says
// that they got a key in between.
func (p *Pipeline) lateOf(e graph.Edge) (l *lateRows, keyed bool) {
	if e.Node == nil || len(p.late) == 0 {
		return nil, false
	}
	if l := p.late[e.Node]; l != nil {
		return l, false
	}
	if e.Output == 0 && e.Node.Op.Kind() == "keyby" && len(e.Node.Inputs) == 1 {
		return p.late[e.Node.Inputs[0].Node], true
	}
	return nil, false
}

// connectLate lets a grouping step, or a function with state, give the late rows of its input in to the
// LateTo of the Window in front, if there is one. pick makes of them rows of the
// input as they were before the grouping.
func (s *step) connectLate(n *graph.Node, in graph.Edge, pick func(graph.Edge) graph.Edge) {
	l, keyed := s.p.lateOf(in)
	if l == nil {
		return
	}
	if l.step != "" {
		s.p.fail(s.name, fmt.Errorf("the leat.LateTo of the leat.Window at %s already has the late rows of step %q; call leat.Window once for each grouping step", l.place, l.step))
		return
	}
	l.step = s.name
	output := 1
	if op, ok := n.Op.(*graph.Stateful); ok {
		output = len(n.Outputs) // behind the side outputs
		op.Late = output
	} else {
		n.Op.(*graph.Combine).Late = true
	}
	if len(n.Outputs) == output {
		n.Outputs = append(n.Outputs, graph.Output{Name: "late", Type: n.Inputs[0].Type()})
	}
	e := pick(graph.Edge{Node: n, Output: output})
	if keyed {
		e = half(&step{p: s.p, name: s.name + ".late"}, e, 1)
	}
	l.set(s.p, e, l.rows)
}

// lateSide appends a step that makes of the late rows of a CoGroup those of one side.
func (s *step) lateSide(what string, side int, in graph.Edge) func(graph.Edge) graph.Edge {
	return func(e graph.Edge) graph.Edge {
		t := kvType(e.Type().Fields[0].Type, in.Type().Fields[1].Type)
		op := &graph.Rows{Name: "filter", Note: what, New: func() (graph.RowFn, error) { return &sideFn{kv: t, side: side}, nil }}
		one := &step{p: s.p, name: s.name + ".late-" + what}
		return graph.Edge{Node: one.add(op, []graph.Edge{e}, graph.Output{Type: t})}
	}
}

// sideFn keeps the rows of one side of a CoGroup, as they were in front of it.
type sideFn struct {
	stateless
	kv   *batch.Type
	side int
}

// Process implements graph.RowFn.
func (f *sideFn) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	side := b.Root.Children[1].Children[f.side]
	rows := make([]int32, 0, b.Len())
	for i := range b.Len() {
		if row := b.Row(i); !side.Null(row) {
			rows = append(rows, int32(row))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return emit(0, b.WithRoot(batch.NewStruct(f.kv, b.Physical(), b.Root.Children[0], side.Children[0])).WithSel(rows))
}
