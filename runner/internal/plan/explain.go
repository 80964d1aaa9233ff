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
	for _, o := range s.Ops {
		if o.Kind != Receive {
			continue
		}
		if id := fmt.Sprint(o.Exchange.From.Stage.ID); !slices.Contains(from, id) {
			from = append(from, id)
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
	case Rows, Project, Combine:
		return o.Node.Op.Kind()
	}
	return o.Kind.String()
}

func (p *Plan) detail(o *Op) string {
	switch o.Kind {
	case Receive:
		return fmt.Sprintf("exchange %d from stage %d", o.Exchange.ID, o.Exchange.From.Stage.ID)
	case Partial, Scatter, Forward:
		how := "task to task"
		if o.Exchange.Hash {
			how = "hash(key group)"
		}
		mode := "blocked"
		if p.Mode == Streaming {
			mode = "pipelined"
		}
		send := fmt.Sprintf("exchange %d %s %s to stage %d", o.Exchange.ID, how, mode, o.Exchange.To.Stage.ID)
		if o.Kind == Partial {
			return o.Node.Op.Detail() + "; " + send
		}
		return send
	case Combine:
		w := o.Node.Inputs[0].Windowing()
		in := w.Fn.String()
		if w.Grouped {
			in += " (as grouped before)"
		}
		return fmt.Sprintf("%s; key %s; windows %s", o.Node.Op.Detail(), o.Node.Op.(*graph.Combine).Key, in)
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
	if o.Node.Op.(*graph.Read).EventTime.New != nil {
		what = "all columns (the event time is a function of the row)"
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
