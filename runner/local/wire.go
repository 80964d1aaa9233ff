package local

import (
	"fmt"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/runner/internal/plan"
	"github.com/leatflow/leat/runner/internal/task"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// wiring builds one task of a stage.
type wiring struct {
	job     *job
	task    *task.Task
	number  int
	links   map[*plan.Op]*task.Link
	entries map[*plan.Op]int // indexes into task.Entries
}

// wire makes the operators of task i of a stage and connects them.
func (j *job) wire(s *plan.Stage, i int) (*task.Task, error) {
	w := &wiring{job: j, number: i, links: make(map[*plan.Op]*task.Link), entries: make(map[*plan.Op]int),
		task: &task.Task{Concurrent: j.plan.Mode == plan.Streaming}}
	for _, op := range s.Ops { // side inputs are read before all others
		if sideInput(op) {
			w.receive(op)
		}
	}
	for _, op := range s.Ops {
		switch {
		case sideInput(op):
		case op.Kind == plan.Read:
			w.read(op)
		case op.Kind == plan.Receive:
			w.receive(op)
		default:
			if err := w.link(op); err != nil {
				return nil, &task.StepError{Step: op.Node.Name, Place: op.Node.Place, Err: err}
			}
		}
	}
	return w.task, nil
}

func sideInput(op *plan.Op) bool {
	return op.Kind == plan.Receive && op.Exchange.From.Kind == plan.Broadcast
}

func (w *wiring) receive(op *plan.Op) {
	r := w.job.exchanges[op.Exchange.ID].Receiver(w.number)
	w.entry(op, task.NewReceiving(r, w.job.script), 1)
}

func (w *wiring) entry(op *plan.Op, in task.Input, outputs int) {
	w.entries[op] = len(w.task.Entries)
	w.task.Entries = append(w.task.Entries, task.Entry{Input: in, Outs: make([][]task.Edge, outputs), Script: w.job.script})
}

// read adds the input of a source. Splits that follow each other are taken from a
// queue, or in contiguous ranges where their order shows; splits that are orders of
// their own are dealt out and read at the same time.
func (w *wiring) read(op *plan.Op) {
	source := w.job.sources[op]
	var in task.Input
	switch {
	case source.Dealt():
		in = task.NewSplits(source, w.number)
	case op.InOrder:
		in = task.NewReadingOf(source, source.Range(w.number, w.job.plan.Parallelism))
	default:
		in = task.NewReading(source)
	}
	w.entry(op, in, len(op.Node.Outputs))
}

func (w *wiring) link(op *plan.Op) error {
	var dropped operator.Counters
	o, err := w.operator(op, &dropped)
	if err != nil {
		return err
	}
	l := task.NewLink(op.Node.Name, op.Node.Place, o, len(op.Inputs), len(op.Node.Outputs), &dropped, w.job.counters[op], w.job.budget)
	l.SetClock(w.job.clock())
	l.SetNumber(w.number)
	w.links[op] = l
	w.task.Links = append(w.task.Links, l)
	w.connect(op, l)
	if op.Exchange != nil {
		l.Connect(0, task.Edge{To: task.Sending{Sender: w.sender(op)}})
	}
	return nil
}

// connect feeds a link from the operators before it.
func (w *wiring) connect(op *plan.Op, l *task.Link) {
	for i, in := range op.Inputs {
		if from, ok := w.links[in.Op]; ok {
			from.Connect(in.Output, task.Edge{To: l, Input: i})
			continue
		}
		outs := w.task.Entries[w.entries[in.Op]].Outs
		outs[in.Output] = append(outs[in.Output], task.Edge{To: l, Input: i})
	}
}

func (w *wiring) sender(op *plan.Op) *exchange.Sender {
	return w.job.exchanges[op.Exchange.ID].Sender(w.number)
}

func (w *wiring) operator(op *plan.Op, dropped *operator.Counters) (operator.Operator, error) {
	if op.Kind == plan.Forward { // made for any kind of node
		return operator.NewForward(w.sender(op), w.number, op.Kept()), nil
	}
	if op.Kind == plan.Broadcast {
		return operator.NewBroadcast(w.sender(op)), nil
	}
	if op.Kind == plan.Rebalance {
		return operator.NewRebalance(w.sender(op), w.number), nil
	}
	if op.Kind == plan.Sort {
		return operator.NewSort(op.Node.Inputs[0].Type(), plan.SortBy(op.Node.Op.(*graph.Write)), w.room(op))
	}
	switch node := op.Node.Op.(type) {
	case *graph.Rows:
		return operator.NewRows(node, len(op.Inputs)-1, dropped)
	case *graph.Stateful:
		return w.stateful(op, node, dropped)
	case *graph.Async:
		settle := func() error { return w.links[op].Settle() }
		return operator.NewAsync(node, operator.AsyncHooks{Settle: settle, Begin: w.job.script.Begin, Done: w.job.script.Done}), nil
	case *graph.Where:
		return operator.NewWhere(node.Predicate), nil
	case *graph.Project:
		return operator.NewProject(node.Expr), nil
	case *graph.Window:
		return operator.NewRewindow(), nil
	case *graph.Write:
		out := w.job.outputs[op]
		return operator.NewWrite(out.output, w.number, out.add), nil
	case *graph.Combine:
		return w.combine(op, node, dropped)
	case *graph.Join:
		return w.join(op, node, dropped), nil
	case *graph.PointInTime:
		return w.pointInTime(op, node, dropped), nil
	case *graph.Otherwise:
		return operator.NewOtherwise(node, w.number, w.job.plan.Parallelism), nil
	case *graph.Flatten:
		return operator.NewUnion(), nil
	}
	return nil, fmt.Errorf("internal: no operator for %s", op.Kind)
}

func (w *wiring) combine(op *plan.Op, node *graph.Combine, dropped *operator.Counters) (operator.Operator, error) {
	bounded := w.job.plan.Mode == plan.Batch
	windowing := op.Node.Inputs[0].Windowing()
	g := operator.Grouping{Aggregate: node.Aggregate, Key: node.Key, Windowing: windowing, Ordered: bounded, NeverLate: bounded, Room: w.room(op),
		ByKeyGroup: bounded && !windowing.Grouped && windowing.Fn.Kind() == window.KindGlobal}
	switch op.Kind {
	case plan.Partial:
		return operator.NewPartial(g, w.sender(op)), nil
	case plan.Scatter:
		return operator.NewScatter(w.sender(op)), nil
	}
	if plan.Triggered(op.Node, w.job.plan.Mode) {
		g.LateOutput = len(op.Node.Outputs) > 1
		return operator.NewTriggered(g, dropped), nil
	}
	return operator.NewCombine(g, dropped), nil
}

func (w *wiring) stateful(op *plan.Op, node *graph.Stateful, dropped *operator.Counters) (operator.Operator, error) {
	bounded := w.job.plan.Mode == plan.Batch
	switch {
	case op.Kind == plan.Stateful:
		return operator.NewStateful(operator.Stateful{Op: node, Windowing: op.Node.Inputs[0].Windowing(), Bounded: bounded}, len(op.Inputs)-1, dropped)
	case bounded:
		return operator.NewScatterGroups(w.sender(op)), nil
	}
	return operator.NewScatter(w.sender(op)), nil
}

func (w *wiring) join(op *plan.Op, node *graph.Join, dropped *operator.Counters) operator.Operator {
	if op.Kind == plan.Scatter {
		if node.Match == graph.Full || (node.Match == graph.Left || node.Match == graph.AsOf) && op.Side == 0 {
			return operator.NewScatter(w.sender(op)) // rows with a null key are kept
		}
		return operator.NewScatterKeys(w.sender(op))
	}
	j := operator.Joining{Op: node, Windows: op.Node.Inputs[0].Windowing().Fn, Output: op.Node.Outputs[0].Type, Room: w.room(op)}
	if w.job.plan.Mode == plan.Batch {
		return operator.NewJoin(j)
	}
	switch node.Match {
	case graph.AsOf:
		return operator.NewAsOfAwait(j, dropped)
	case graph.Interval:
		return operator.NewIntervalJoin(j, dropped)
	}
	return operator.NewWindowJoin(j, dropped)
}

// stateShare is the part of the budget that the state of a stage may fill before
// it spills. The rest is for what the merge of spilled state needs, for steps
// that cannot spill, and for exchanges, which give way to all others.
const stateShare = 2

// room divides the budget among the operators of a stage that hold state. The
// shares depend on the plan alone.
func (w *wiring) room(op *plan.Op) operator.Room {
	if w.job.options.Memory == 0 || w.job.plan.Mode != plan.Batch {
		return operator.Room{}
	}
	holders := 0
	for _, other := range op.Stage.Ops {
		switch other.Kind {
		case plan.Partial, plan.Combine, plan.Join, plan.Sort:
			holders++
		}
	}
	holder := fmt.Sprintf("the state of step %q", op.Node.Name)
	return operator.Room{
		Holder: holder, Area: w.job.spill, Streams: w.job.streams(graph.Edge{Node: op.Node}),
		Share:   max(1, w.job.options.Memory/stateShare/int64(max(1, holders)*w.job.plan.Parallelism)),
		Account: func() error { return w.links[op].Account() },
	}
}

// streams reports whether everything that reads an output reads lists as
// sequences: only functions of rows do, and steps that just pass columns on to
// them.
func (j *job) streams(e graph.Edge) bool {
	for _, n := range j.plan.Graph.Nodes {
		for i, in := range n.Inputs {
			if in != e {
				continue
			}
			if i > 0 { // a side input is kept
				return false
			}
			switch op := n.Op.(type) {
			case *graph.Rows:
				if op.Narrow || op.Name == "keyby" { // they pass their input on
					return false
				}
			case *graph.Project:
				if !j.streams(graph.Edge{Node: n}) {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}
