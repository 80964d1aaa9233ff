package leat

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"

	"github.com/leatflow/leat/sdk/graph"
)

// Pipeline collects the steps of one program. The zero value is empty and ready
// to use.
type Pipeline struct {
	graph  graph.Graph
	scope  string            // prefix of names, ends in "/" unless empty
	places map[string]string // full name → where it was first used
	errs   []error
}

// Graph returns the steps, or every mistake made while building them.
func (p *Pipeline) Graph() (*graph.Graph, error) {
	errs := p.errs
	if len(errs) == 0 && !p.writes() {
		errs = []error{errors.New("the pipeline writes nothing: end it with leat.Write (a step given the empty PCollection is left out)")}
	}
	if len(errs) > 0 {
		return nil, &BuildError{Mistakes: errs}
	}
	return &p.graph, nil
}

func (p *Pipeline) writes() bool {
	for _, n := range p.graph.Nodes {
		if _, ok := n.Op.(*graph.Write); ok {
			return true
		}
	}
	return false
}

// BuildError holds every mistake found while a pipeline was built.
type BuildError struct{ Mistakes []error }

// Error lists the mistakes, one a line.
func (e *BuildError) Error() string {
	if len(e.Mistakes) == 1 {
		return e.Mistakes[0].Error()
	}
	lines := []string{fmt.Sprintf("the pipeline has %d mistakes:", len(e.Mistakes))}
	for _, m := range e.Mistakes {
		lines = append(lines, "  "+strings.ReplaceAll(m.Error(), "\n", "\n    "))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the mistakes.
func (e *BuildError) Unwrap() []error { return e.Mistakes }

// fail records a mistake of the step being built.
func (p *Pipeline) fail(name string, err error) {
	p.errs = append(p.errs, fmt.Errorf("%s: %s: %w", place(), p.scope+name, err))
}

// add appends a node and returns it, or nil when its name cannot be used.
func (p *Pipeline) add(name string, op graph.Op, inputs []graph.Edge, outputs ...graph.Output) *graph.Node {
	if err := p.claim(name); err != nil {
		p.fail(name, err)
		return nil
	}
	return p.append(p.scope+name, op, inputs, outputs)
}

// addUnnamed appends a node that only rewires. Its name is made from its kind
// and the input it rewires, so that it is stable when other steps change.
func (p *Pipeline) addUnnamed(op graph.Op, inputs []graph.Edge, outputs ...graph.Output) *graph.Node {
	name := op.Kind()
	if len(inputs) > 0 {
		name = inputs[0].Node.Name + "." + name
	}
	return p.append(name, op, inputs, outputs)
}

func (p *Pipeline) append(name string, op graph.Op, inputs []graph.Edge, outputs []graph.Output) *graph.Node {
	n := &graph.Node{ID: len(p.graph.Nodes), Name: name, Place: place(), Op: op, Inputs: inputs, Outputs: outputs}
	p.graph.Nodes = append(p.graph.Nodes, n)
	return n
}

// claim checks that a step's name is usable and takes it.
func (p *Pipeline) claim(name string) error {
	switch {
	case name == "":
		return errors.New("the step has no name; give it one, it labels the step in messages, metrics and checkpoints")
	case strings.ContainsAny(name, "/\n\t"):
		return fmt.Errorf("the name %q contains a slash, tab or newline; slashes join scopes", name)
	}
	full := p.scope + name
	if first, taken := p.places[full]; taken {
		return fmt.Errorf("the name %q is already used at %s; names must be unique in their scope", full, first)
	}
	if p.places == nil {
		p.places = make(map[string]string)
	}
	p.places[full] = place()
	return nil
}

// Scope builds a part of the pipeline whose step names are prefixed with name,
// so that a composite transform can be used twice.
func Scope[A, B any](in PCollection[A], name string, build func(PCollection[A]) B) B {
	p := in.pipeline
	if p == nil {
		return build(in)
	}
	if err := p.claim(name); err != nil {
		p.fail(name, err)
	}
	outer := p.scope
	p.scope += name + "/"
	defer func() { p.scope = outer }()
	return build(in)
}

// place returns file:line of the innermost frame outside of Leat's own API, with
// the file's folder: flights/main.go:31.
func place() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if !ours(f.Function) || !more {
			return fmt.Sprintf("%s:%d", path.Join(path.Base(path.Dir(f.File)), path.Base(f.File)), f.Line)
		}
	}
}

func ours(function string) bool {
	return strings.HasPrefix(function, "github.com/leatflow/leat/sdk/leat.") ||
		strings.HasPrefix(function, "github.com/leatflow/leat/transforms/")
}
