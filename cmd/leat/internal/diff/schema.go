package diff

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
)

// Guess says how sure the type of a column is.
type Guess uint8

// The guesses. Certain is what a Parquet footer says; Text what the values of
// JSON look like; Path what the names of directories look like; Unknown a column
// whose values are all null.
const (
	Certain Guess = iota
	Text
	Path
	Unknown
)

// SchemaDifference is a column that one side does not have, or has with another
// type. An absent column has the type "".
type SchemaDifference struct {
	Column string `json:"column"`
	A      string `json:"a"`
	B      string `json:"b"`
	// Comparable: the values can be compared all the same, and were.
	Comparable bool `json:"comparable"`
}

// plan says which columns are compared and how each side is read.
type plan struct {
	columns     []column // as the types read
	types       [2]*batch.Type
	key, value  []int // of columns
	differences []SchemaDifference
}

type column struct {
	name  string
	types [2]*batch.Type
	float bool // holds a float, at some depth
}

// reconcile decides which columns of a and b can be compared.
func reconcile(a, b Input, o *Options) (*plan, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p := &plan{differences: []SchemaDifference{}}
	for i := range p.types {
		p.types[i] = &batch.Type{Kind: batch.Struct}
	}
	for _, f := range a.Type.Fields {
		if !o.chosen(f.Name) {
			continue
		}
		k := b.Type.Index(f.Name)
		if k < 0 {
			p.differences = append(p.differences, SchemaDifference{Column: f.Name, A: f.Type.String()})
			continue
		}
		p.add(f.Name, f.Type, b.Type.Fields[k].Type, a.guess(f.Name), b.guess(f.Name))
	}
	for _, f := range b.Type.Fields {
		if o.chosen(f.Name) && a.Type.Index(f.Name) < 0 {
			p.differences = append(p.differences, SchemaDifference{Column: f.Name, B: f.Type.String()})
		}
	}
	for _, name := range append(append([]string{}, o.Columns...), o.Ignore...) {
		if a.Type.Index(name) < 0 && b.Type.Index(name) < 0 {
			return nil, fmt.Errorf("neither side has a column %q", name)
		}
	}
	return p, p.split(o.By)
}

func (in *Input) guess(name string) Guess {
	if in.Guess == nil {
		return Certain
	}
	return in.Guess(name)
}

// add adds a column that both sides have.
func (p *plan) add(name string, a, b *batch.Type, guessA, guessB Guess) {
	was := SchemaDifference{Column: name, A: a.String(), B: b.String()}
	if t := adopt(b, a, guessB); t != nil {
		b = t
	} else if t := adopt(a, b, guessA); t != nil {
		a = t
	}
	read, ok := align(b, a)
	if !a.Equal(b) || !ok {
		was.Comparable = ok
		p.differences = append(p.differences, was)
	}
	if !ok {
		return
	}
	p.columns = append(p.columns, column{name: name, types: [2]*batch.Type{a, read}, float: hasFloat(a) || hasFloat(read)})
	p.types[0].Fields = append(p.types[0].Fields, batch.Field{Name: name, Type: a})
	p.types[1].Fields = append(p.types[1].Fields, batch.Field{Name: name, Type: read})
}

// split divides the columns into key and value.
func (p *plan) split(by []string) error {
	if len(by) == 0 {
		for i, c := range p.columns {
			if c.float {
				p.value = append(p.value, i)
			} else {
				p.key = append(p.key, i)
			}
		}
		return nil
	}
	var errs []error
	isKey := map[int]bool{}
	for _, name := range by {
		i := p.types[0].Index(name)
		if i < 0 {
			errs = append(errs, fmt.Errorf("column %q cannot be a key: %s", name, p.missing(name)))
			continue
		}
		p.key = append(p.key, i)
		isKey[i] = true
	}
	for i := range p.columns {
		if !isKey[i] {
			p.value = append(p.value, i)
		}
	}
	return errors.Join(errs...)
}

func (p *plan) missing(name string) string {
	for _, d := range p.differences {
		switch {
		case d.Column != name:
		case d.A == "":
			return "A does not have it"
		case d.B == "":
			return "B does not have it"
		default:
			return fmt.Sprintf("it is %s in A and %s in B", d.A, d.B)
		}
	}
	return "neither side has it"
}

func (p *plan) keyNames() []string {
	names := []string{}
	for _, k := range p.key {
		names = append(names, p.columns[k].name)
	}
	return names
}

// align returns the type to read values of type have as, so that they can be
// compared with values of type like: fields of structs in its order, byte strings
// as its kind. Widths of numbers and what is nullable stay.
func align(have, like *batch.Type) (*batch.Type, bool) {
	out := *have
	switch {
	case have.Kind.Form() == batch.StringForm && like.Kind.Form() == batch.StringForm:
		out.Kind = like.Kind
		return &out, true
	case have.Kind.Integer() && like.Kind.Integer(), have.Kind.Float() && like.Kind.Float():
		return &out, true
	case have.Kind != like.Kind || len(have.Fields) != len(like.Fields):
		return nil, false
	}
	out.Fields = make([]batch.Field, len(like.Fields))
	for i, f := range like.Fields {
		k := i
		if like.Kind == batch.Struct {
			k = have.Index(f.Name)
		}
		if k < 0 {
			return nil, false
		}
		t, ok := align(have.Fields[k].Type, f.Type)
		if !ok {
			return nil, false
		}
		out.Fields[i] = batch.Field{Name: f.Name, Type: t}
	}
	return &out, true
}

// adopt returns the type like, made nullable as have is, when values whose type
// was guessed as have can be read as like; else nil.
func adopt(have, like *batch.Type, g Guess) *batch.Type {
	out := *like
	out.Nullable = have.Nullable
	scalar := like.Kind.Form() != batch.StructForm && like.Kind.Form() != batch.ListForm
	switch {
	case g == Certain || g == Text && !readable(have, like):
		return nil
	case g == Path:
		if !scalar || like.Kind == batch.Time {
			return nil
		}
		return &out
	case g == Unknown, scalar:
		return &out
	}
	out.Fields = make([]batch.Field, len(like.Fields))
	for i, f := range like.Fields {
		out.Fields[i] = f
		if k := have.Index(f.Name); k >= 0 {
			if t := adopt(have.Fields[k].Type, f.Type, g); t != nil {
				out.Fields[i].Type = t
			}
		}
	}
	return &out
}

// readable reports whether JSON values that look like have can be read as like.
func readable(have, like *batch.Type) bool {
	switch have.Kind {
	case batch.Int64:
		return like.Kind.Integer() || like.Kind.Float() || like.Kind == batch.Time
	case batch.Float64:
		return like.Kind.Float()
	case batch.String, batch.Time:
		return like.Kind.Form() == batch.StringForm || have.Kind == like.Kind
	case batch.List:
		return like.Kind == batch.List
	case batch.Struct:
		if like.Kind != batch.Struct {
			return like.Kind == batch.Map
		}
		for _, f := range like.Fields {
			if k := have.Index(f.Name); k < 0 || !f.Type.Nullable && have.Fields[k].Type.Nullable {
				return false
			}
		}
		return len(have.Fields) == len(like.Fields)
	}
	return have.Kind == like.Kind
}

func hasFloat(t *batch.Type) bool {
	if t.Kind.Float() {
		return true
	}
	for _, f := range t.Fields {
		if hasFloat(f.Type) {
			return true
		}
	}
	return false
}
