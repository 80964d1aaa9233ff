package leat

import (
	"errors"
	"fmt"
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
	late   map[*graph.Node]*lateRows // by leat.Window
}

// Graph returns the steps, or every mistake made while building them as a
// *BuildError.
func (p *Pipeline) Graph() (*graph.Graph, error) {
	errs := p.errs
	if len(errs) == 0 {
		errs = p.unused()
	}
	if len(errs) == 0 && !p.writes() {
		errs = []error{errors.New("the pipeline writes nothing; end it with leat.Write")}
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

// BuildError holds every mistake found while a pipeline was built, in the order
// of the steps.
type BuildError struct{ Mistakes []error }

// Error lists the mistakes, one a line, each with file, line and step.
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

// fail records a mistake of the named step. What errors.Join has put together is
// taken apart, so that every line of the report has a place.
func (p *Pipeline) fail(name string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			p.fail(name, e)
		}
		return
	}
	where := place()
	if name != "" {
		where += ": " + name
	}
	p.errs = append(p.errs, fmt.Errorf("%s: %w", where, err))
}

// claim checks that a step's name is usable and takes it.
func (p *Pipeline) claim(name string) error {
	switch {
	case name == "":
		return errors.New("the step has no name; give it one, it labels the step in messages, metrics and checkpoints")
	case strings.ContainsAny(name, "/\n\t"):
		return fmt.Errorf("the name %q contains a slash, tab or newline; slashes join scopes", name)
	}
	here, full := place(), p.scope+name
	switch first, taken := p.places[full]; {
	case taken && first == here:
		return fmt.Errorf("the name %q is used twice by this line; where a function that builds steps is called several times, call it within leat.Scope, each time under another name", full)
	case taken:
		return fmt.Errorf("the name %q is already used at %s; names must be unique in their scope", full, first)
	}
	p.take(full, here)
	return nil
}

func (p *Pipeline) take(full, here string) {
	if p.places == nil {
		p.places = make(map[string]string)
	}
	p.places[full] = here
}

// Scope builds a part of the pipeline whose step names are prefixed with name
// and a slash, so that a composite transform can be used twice. Scopes nest;
// steps and scopes share their names.
func Scope[A, B any](in PCollection[A], name string, build func(PCollection[A]) B) B {
	p := in.owner("scope", name)
	prefix := name
	if err := p.claim(name); err != nil {
		p.fail(p.scope+name, err)
		prefix += " (again)" // so that the steps inside are not reported as well
	}
	outer := p.scope
	p.scope += prefix + "/"
	defer func() { p.scope = outer }()
	return build(in)
}
