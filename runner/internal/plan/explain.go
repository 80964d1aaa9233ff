package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// String renders the plan as EXPLAIN prints it: the stages in the order they
// are scheduled, each operator with what it reads, keeps and sends.
func (p *Plan) String() string {
	var b strings.Builder
	stages := fmt.Sprintf("%d stages", len(p.Stages))
	if len(p.Stages) == 1 {
		stages = "1 stage"
	}
	fmt.Fprintf(&b, "%s plan, %s, parallelism %d\n", p.Mode, stages, p.Parallelism)
	for _, s := range p.Stages {
		fmt.Fprintf(&b, "stage %d%s\n", s.ID, p.after(s))
		for _, o := range s.Ops {
			p.explainOp(&b, s, o)
		}
	}
	return b.String()
}

// after says which stages must have ended before s runs, in a batch plan.
func (p *Plan) after(s *Stage) string {
	var from []string
	add := func(before *Stage) {
		if id := fmt.Sprint(before.ID); !slices.Contains(from, id) {
			from = append(from, id)
		}
	}
	for _, o := range s.Ops {
		if o.Kind == Receive {
			add(o.Exchange.From.Stage)
		}
		for _, x := range o.Indexes {
			if o.Kind == Lookup {
				add(x.Build.Stage)
			}
		}
	}
	if len(from) == 0 {
		return ""
	}
	verb := "after"
	if p.Mode == Streaming {
		verb = "fed by"
	}
	return fmt.Sprintf(" (%s stage %s)", verb, strings.Join(from, ", "))
}

func (p *Plan) explainOp(b *strings.Builder, s *Stage, o *Op) {
	fmt.Fprintf(b, "  %-9s %s", p.label(o), o.Node.Name)
	if d := p.detail(o); d != "" {
		fmt.Fprintf(b, ": %s", d)
	}
	if from := inputsNamed(s, o); from != "" {
		fmt.Fprintf(b, "  ← %s", from)
	}
	b.WriteByte('\n')
	if o.Kind == Read {
		explainRead(b, o)
	}
}

func (p *Plan) label(o *Op) string {
	switch o.Kind {
	case Rows, Project, Combine, Stateful:
		return o.Node.Op.Kind()
	}
	return o.Kind.String()
}

func (p *Plan) detail(o *Op) string {
	switch o.Kind {
	case Receive:
		return fmt.Sprintf("exchange %d from stage %d", o.Exchange.ID, o.Exchange.From.Stage.ID)
	case Partial, Scatter, Forward, Broadcast, Rebalance, Deal:
		how := "task to task"
		switch {
		case o.Kind == Deal:
			how = "hash(key)"
		case o.Kind == Broadcast:
			how = "to every task"
		case o.Kind == Rebalance:
			how = "in turn"
		case o.Exchange.Hash:
			how = "hash(key group)"
		}
		mode := "blocked"
		if p.Mode == Streaming {
			mode = "pipelined"
		}
		send := fmt.Sprintf("exchange %d %s %s to stage %d", o.Exchange.ID, how, mode, o.Exchange.To.Stage.ID)
		switch o.Kind {
		case Partial:
			return o.Node.Op.Detail() + "; " + send
		case Deal:
			if p.Mode == Streaming && o.Side == 0 {
				return dealtSpine(o) + "; " + send
			}
			return dealt(o.Indexes[0]) + "; " + send
		}
		return send
	case Build:
		return built(o.Indexes[0])
	case Lookup:
		return probed(o)
	case Await:
		return awaited(o)
	case Combine:
		w := o.Node.Inputs[0].Windowing()
		in := w.Fn.String()
		if w.Grouped {
			in += " (as grouped before)"
		}
		return fmt.Sprintf("%s; key %s; windows %s", o.Node.Op.Detail(), o.Node.Op.(*graph.Combine).Key, in)
	case Join:
		return explainJoin(o)
	case Stateful:
		return fmt.Sprintf("%s; key %s; windows %s", o.Node.Op.Detail(), o.Node.Op.(*graph.Stateful).Row.Fields[0].Type, o.Node.Inputs[0].Windowing().Fn)
	case Sort:
		return fmt.Sprintf("by %v", SortBy(o.Node.Op.(*graph.Write)))
	case Rows:
		d := "all columns"
		if note := o.Node.Op.Detail(); note != "" {
			d = note + ", " + d
		}
		return d
	}
	return o.Node.Op.Detail()
}

// dealt says by which columns of the rows an index is.
func dealt(x *Index) string { return byColumns(x.Node.Inputs[x.Input].Type(), x.Keys) }

func byColumns(t *batch.Type, paths [][]int) string {
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = columnName(t, path)
	}
	return "by " + strings.Join(names, ", ")
}

// built says what an index answers, one lookup a line.
func built(x *Index) string {
	var b strings.Builder
	fmt.Fprintf(&b, "index %d of %s %s, in the order of time", x.ID, x.Node.Inputs[x.Input].Node.Name, dealt(x))
	for _, l := range x.Lookups {
		fmt.Fprintf(&b, "\n            %s: %s", x.lookup(l).Key, x.lookup(l))
	}
	return b.String()
}

// probed says which indexes a lookup uses.
func probed(o *Op) string {
	names := make([]string, len(o.Indexes))
	for i, x := range o.Indexes {
		names[i] = fmt.Sprint(x.ID)
	}
	what := "index "
	if len(names) > 1 {
		what = "indexes "
	}
	return what + strings.Join(names, ", ") + " in place, in the order of the spine"
}

// inputsNamed names the inputs of an operator unless it simply follows the one
// before it.
func inputsNamed(s *Stage, o *Op) string {
	if len(o.Inputs) == 0 {
		return ""
	}
	for i, other := range s.Ops {
		if other == o && i > 0 && len(o.Inputs) == 1 && o.Inputs[0].Op == s.Ops[i-1] && o.Inputs[0].Output == 0 {
			return ""
		}
	}
	var names []string
	for _, in := range o.Inputs {
		name := in.Op.Node.Name
		if out := in.Op.Node.Outputs[in.Output].Name; out != "" {
			name += "." + out
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func explainRead(b *strings.Builder, o *Op) {
	t := o.Node.Outputs[0].Type
	what := "all columns"
	if time := o.Node.Op.(*graph.Read).EventTime; time.New != nil {
		what = "all columns (the event time is a function of the row)"
	} else if time.Marks != nil && time.MarkPath == nil {
		what = "all columns (the watermark is a function of the row)"
	}
	if o.Needed != nil {
		what = "columns " + strings.Join(fieldNames(t, o.Needed), ", ")
	}
	fmt.Fprintf(b, "            %s\n", what)
	if o.Filter != nil {
		fmt.Fprintf(b, "            skips what cannot have %s\n", o.Filter)
	}
}

func fieldNames(t *batch.Type, needed []bool) []string {
	var names []string
	for i, f := range t.Fields {
		if needed[i] {
			names = append(names, f.Name)
		}
	}
	if names == nil {
		names = []string{"none"}
	}
	return names
}
