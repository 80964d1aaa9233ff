package leat

import (
	"fmt"
	"path"
	"reflect"
	"runtime"
	"strconv"
	"strings"

	"github.com/leatflow/leat/sdk/graph"
)

// step is one call of a transform while it collects its mistakes. All that can
// be wrong with a call is checked, also when its input comes from a step with
// mistakes; only what depends on that input is not.
type step struct {
	p    *Pipeline
	name string // with scope; "" for a step that only rewires and has no input yet
	errs []error
}

// begin starts a named step and claims the name.
func (p *Pipeline) begin(name string) *step {
	s := &step{p: p, name: p.scope + name}
	s.check(p.claim(name))
	return s
}

// begin starts a named step with c as input.
func (c PCollection[T]) begin(name string) *step { return c.owner("step", name).begin(name) }

// rewire starts a step that has no name of its own. The one it gets is made from
// its input and kind, so that it is stable when other steps change.
func (c PCollection[T]) rewire(kind string) *step {
	p := c.owner("step", kind)
	if !c.valid() {
		return &step{p: p, name: kind}
	}
	base := c.edge.Node.Name + "."
	if o := c.edge.Node.Outputs[c.edge.Output].Name; o != "" {
		base += o + "."
	}
	base += kind
	name := base
	for i := 2; p.places[name] != ""; i++ {
		name = base + strconv.Itoa(i)
	}
	p.take(name, place())
	return &step{p: p, name: name}
}

// owner returns the pipeline of c. There is none to record a mistake on when no
// step made c, and leaving the step out would lose output without a word.
func (c PCollection[T]) owner(what, name string) *Pipeline {
	if c.pipeline == nil {
		panic(fmt.Sprintf("leat: %s %q at %s was given the zero PCollection[%s], which no step has made: is it a variable that leat.BadTo or leat.LateTo never set, or a side output taken before its leat.ParDo?",
			what, name, place(), reflect.TypeFor[T]()))
	}
	if pending, ok := c.rows.(pendingRows[T]); ok && len(c.pipeline.errs) == 0 {
		c.pipeline.fail(name, pending.early())
	}
	return c.pipeline
}

// check notes a mistake, if err is one.
func (s *step) check(err error) {
	if err != nil {
		s.errs = append(s.errs, err)
	}
}

// ok ends the checks: it records the mistakes and reports whether the step can
// be built, which it cannot when an input is missing.
func (s *step) ok(inputs bool) bool {
	for _, err := range s.errs {
		s.p.fail(s.name, err)
	}
	return inputs && len(s.errs) == 0
}

// add appends the step to the graph.
func (s *step) add(op graph.Op, inputs []graph.Edge, outputs ...graph.Output) *graph.Node {
	g := &s.p.graph
	n := &graph.Node{ID: len(g.Nodes), Name: s.name, Place: place(), Op: op, Inputs: inputs, Outputs: outputs}
	g.Nodes = append(g.Nodes, n)
	return n
}

// isNil reports whether v is nil, or an interface around a nil pointer or function.
func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return !r.IsValid() || (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}

// place returns file:line of the innermost frame outside of Leat's own API, with
// the file's folder: flights/main.go:31.
func place() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if !ours(f) || !more {
			return fmt.Sprintf("%s:%d", path.Join(path.Base(path.Dir(f.File)), path.Base(f.File)), f.Line)
		}
	}
}

// ours reports whether a frame is Leat's: the API, or a transform that comes
// with it. Their tests use them as anybody does.
func ours(f runtime.Frame) bool {
	return (strings.HasPrefix(f.Function, "github.com/leatflow/leat/sdk/leat.") ||
		strings.HasPrefix(f.Function, "github.com/leatflow/leat/sdk/state.") ||
		strings.HasPrefix(f.Function, "github.com/leatflow/leat/transforms/")) &&
		!strings.HasSuffix(f.File, "_test.go")
}
