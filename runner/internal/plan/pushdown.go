package plan

import (
	"slices"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
)

// columns is a set of column paths of one type. A path covers everything below
// it; the empty path is the whole row.
type columns struct{ paths [][]int }

func (c *columns) add(path []int) {
	for _, p := range c.paths {
		if len(p) <= len(path) && slices.Equal(p, path[:len(p)]) {
			return
		}
	}
	c.paths = append(c.paths, path)
}

func (c *columns) addAll(paths [][]int) {
	for _, p := range paths {
		c.add(p)
	}
}

// all reports whether the whole row is in the set.
func (c *columns) all() bool {
	return slices.ContainsFunc(c.paths, func(p []int) bool { return len(p) == 0 })
}

// pushDown walks the graph backwards and tells every Read which columns are
// needed behind it and which condition all its rows will meet.
func (b *builder) pushDown() {
	needed := make(map[graph.Edge]*columns)
	consumers := make(map[graph.Edge][]*graph.Node)
	nodes := b.plan.Graph.Nodes
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		for i, in := range n.Inputs {
			consumers[in] = append(consumers[in], n)
			if needed[in] == nil {
				needed[in] = &columns{}
			}
			b.demand(n, i, needed, needed[in])
		}
	}
	for _, o := range b.ops {
		if o.Kind != Read {
			continue
		}
		main := graph.Edge{Node: o.Node}
		o.Needed = neededFields(o.Node, needed[main])
		o.Filter = conditionBehind(main, consumers)
	}
}

// demand adds what node n needs of one of its inputs.
func (b *builder) demand(n *graph.Node, input int, needed map[graph.Edge]*columns, in *columns) {
	reads, all := n.Op.Reads()
	if joined, ok := n.Op.(graph.Joined); ok {
		reads, all = joined.ReadsOf(input)
	}
	if all {
		in.add(nil)
		return
	}
	in.addAll(reads)
	for o := range n.Outputs {
		out := needed[graph.Edge{Node: n, Output: o}]
		if out == nil {
			continue
		}
		switch op := n.Op.(type) {
		case *graph.Where, *graph.Window, *graph.Flatten, *graph.Reshuffle, *graph.Otherwise:
			in.addAll(out.paths)
		case *graph.Join:
			for _, p := range out.paths {
				in.addAll(op.Behind(input, p))
			}
		case *graph.Project:
			for _, p := range out.paths {
				in.addAll(through(op.Expr, p))
			}
		}
	}
}

// through translates a path into the output of an expression to paths into its
// input.
func through(e graph.Expr, path []int) [][]int {
	if e.Null {
		return nil
	}
	if e.Fields == nil {
		return [][]int{append(slices.Clone(e.Path), path...)}
	}
	if len(path) > 0 {
		return through(e.Fields[path[0]], path[1:])
	}
	var paths [][]int
	for _, f := range e.Fields {
		paths = append(paths, through(f, nil)...)
	}
	return paths
}

// neededFields says for each top-level field of a Read's rows whether anybody
// reads it. nil means all.
func neededFields(n *graph.Node, behind *columns) []bool {
	t := n.Outputs[0].Type
	time := n.Op.(*graph.Read).EventTime
	function := time.New != nil || time.Marks != nil && time.MarkPath == nil
	if t.Kind != batch.Struct || function || behind != nil && behind.all() {
		return nil
	}
	fields := make([]bool, len(t.Fields))
	if time.Path != nil {
		fields[time.Path[0]] = true
	}
	if time.MarkPath != nil {
		fields[time.MarkPath[0]] = true
	}
	if behind != nil {
		for _, p := range behind.paths {
			fields[p[0]] = true
		}
	}
	if !slices.Contains(fields, false) {
		return nil
	}
	return fields
}

// conditionBehind collects the conditions that every row of an edge must meet
// to have any effect: those of the Where steps that directly follow, as long as
// nobody else reads the rows.
func conditionBehind(e graph.Edge, consumers map[graph.Edge][]*graph.Node) *field.Predicate {
	var conditions []*field.Predicate
	read := e.Type()
	paths := graph.Expr{} // the rows of e as an expression of the Read's rows
	for len(consumers[e]) == 1 {
		n := consumers[e][0]
		switch op := n.Op.(type) {
		case *graph.Window, *graph.Reshuffle:
		case *graph.Where:
			p := rebase(op.Predicate, paths, read)
			if p == nil {
				return conjunction(conditions)
			}
			conditions = append(conditions, p)
		case *graph.Project:
			paths = compose(op.Expr, paths)
		default:
			return conjunction(conditions)
		}
		e = graph.Edge{Node: n}
	}
	return conjunction(conditions)
}

func conjunction(conditions []*field.Predicate) *field.Predicate {
	switch len(conditions) {
	case 0:
		return nil
	case 1:
		return conditions[0]
	}
	return &field.Predicate{Op: field.OpAnd, Children: conditions}
}

// compose returns expression e with its paths led through inner.
func compose(e, inner graph.Expr) graph.Expr {
	if e.Null {
		return e
	}
	if e.Fields == nil {
		if at, ok := resolve(inner, e.Path); ok {
			return at
		}
		return e
	}
	out := graph.Expr{Type: e.Type, Fields: make([]graph.Expr, len(e.Fields))}
	for i, f := range e.Fields {
		out.Fields[i] = compose(f, inner)
	}
	return out
}

// resolve finds the expression at path of e.
func resolve(e graph.Expr, path []int) (graph.Expr, bool) {
	for len(path) > 0 && e.Fields != nil {
		e, path = e.Fields[path[0]], path[1:]
	}
	if e.Fields != nil || e.Null {
		return e, true
	}
	return graph.Expr{Path: append(slices.Clone(e.Path), path...), Type: e.Type}, true
}

// rebase rewrites the paths and names of a predicate to the Read's rows, of
// type read; nil when one of them is not a single column there.
func rebase(p *field.Predicate, rows graph.Expr, read *batch.Type) *field.Predicate {
	out := *p
	if p.Op == field.OpAnd || p.Op == field.OpOr {
		out.Children = nil
		for _, c := range p.Children {
			r := rebase(c, rows, read)
			if r == nil {
				return nil
			}
			out.Children = append(out.Children, r)
		}
		return &out
	}
	at, _ := resolve(rows, p.Ref.Path)
	if at.Fields != nil || at.Null {
		return nil
	}
	out.Ref.Path, out.Ref.Name = at.Path, columnName(read, at.Path)
	return &out
}

// columnName is the dotted name of the column at path, as a description gives it.
func columnName(t *batch.Type, path []int) string {
	if len(path) == 0 {
		return "value"
	}
	names := make([]string, len(path))
	for i, at := range path {
		names[i] = t.Fields[at].Name
		t = t.Fields[at].Type
	}
	return strings.Join(names, ".")
}
