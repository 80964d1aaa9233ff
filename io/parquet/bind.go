package parquet

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// input file: a footer and how the row type is bound to its columns.
type inputFile struct {
	stored
	footer *pages.File
	fields []*binding // as the row type's; nil: not read
	first  int64      // position of its first row
}

// openAll reads the footers of all files, some at a time, and reports every file
// that cannot be read.
func openAll(ctx context.Context, from store, found []stored) ([]*inputFile, error) {
	files := make([]*inputFile, len(found))
	errs := make([]error, len(found))
	var group errgroup.Group
	group.SetLimit(8)
	for i, f := range found {
		group.Go(func() error {
			files[i], errs[i] = openFooter(ctx, from, f)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	if err := some(errs); err != nil {
		return nil, err
	}
	var first int64
	for _, f := range files {
		f.first = first
		first += f.footer.Rows()
	}
	return files, nil
}

func openFooter(ctx context.Context, from store, f stored) (*inputFile, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h, err := from.open(ctx, f)
	if err != nil {
		return nil, err
	}
	footer, err := pages.Open(h, f.size, pages.Options{Name: f.name, Window: from.window()})
	if err = errors.Join(err, h.Close()); err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return &inputFile{stored: f, footer: footer}, nil
}

// some joins errors, the first twenty of them.
func some(errs []error) error {
	var shown []error
	count := 0
	for _, err := range errs {
		if err == nil {
			continue
		}
		if count++; count <= 20 {
			shown = append(shown, err)
		}
	}
	if count > len(shown) {
		shown = append(shown, fmt.Errorf("parquet: and %d more like these", count-len(shown)))
	}
	return errors.Join(shown...)
}

// bindAll binds the row type to the columns of every file and reports all that
// does not fit.
func bindAll(files []*inputFile, position string, r *connector.Request) error {
	var errs []error
	for i, field := range r.Type.Fields {
		var good *inputFile // a file in which the field is fine, to tell files that disagree
		for _, f := range files {
			f.fields = append(f.fields, nil)
			if !r.Needs(i) || field.Name == position {
				continue
			}
			b, err := f.bind(field)
			if err == nil {
				f.fields[i], good = b, f
			}
		}
		if !r.Needs(i) || field.Name == position {
			continue
		}
		for _, f := range files {
			if f.fields[i] == nil {
				_, err := f.bind(field)
				errs = append(errs, fmt.Errorf("parquet: %s: %w%s", f.name, err, elsewhere(good, field.Name)))
			}
		}
	}
	return some(errs)
}

// bind finds the column of the file that fills a field, or else the directory
// above it that names its value.
func (f *inputFile) bind(field batch.Field) (*binding, error) {
	v, ok := hiveValues(f.name)[field.Name]
	if !ok || f.footer.Schema().Child(field.Name) != nil {
		return bindField(f.footer.Schema(), field)
	}
	if _, err := v.column(field.Type, 1); err != nil {
		return nil, fmt.Errorf("has a directory for column %q that %w", field.Name, err)
	}
	return &binding{want: field.Type, constant: &v}, nil
}

func elsewhere(f *inputFile, name string) string {
	if f == nil {
		return ""
	}
	if f.footer.Schema().Child(name) == nil {
		return fmt.Sprintf("; %s has it in its path", f.name)
	}
	return fmt.Sprintf("; %s has %s there", f.name, f.footer.Schema().Child(name).Type)
}

func bindField(group *pages.Node, f batch.Field) (*binding, error) {
	n := group.Child(f.Name)
	if n == nil {
		names := make([]string, len(group.Children))
		for i, c := range group.Children {
			names[i] = c.Name
		}
		return nil, fmt.Errorf("has no column %q%s", f.Name, connector.Closest(f.Name, names))
	}
	return bind(n, f.Type, f.Name)
}

// binding says how a column of a file becomes one of the row type.
type binding struct {
	node     *pages.Node
	constant *hiveValue // instead of node
	want     *batch.Type
	toFloat  bool
	children []*binding // of structs: as want.Fields; of lists and maps: as their elements
	source   []int      // where each child is among the node's
}

// bind checks that node n can fill a field of type want.
func bind(n *pages.Node, want *batch.Type, path string) (*binding, error) {
	have := n.Type
	b := &binding{node: n, want: want}
	switch {
	case have.Kind == batch.Invalid:
		return nil, fmt.Errorf("has column %q of a type that cannot be read: %s", path, n.Why)
	case want.Kind == batch.Struct && have.Kind == batch.Struct:
		return b, b.bindChildren(path)
	case (want.Kind == batch.List || want.Kind == batch.Map) && have.Kind == want.Kind:
		for i, f := range want.Fields {
			c, err := bind(n.Children[i], f.Type, path+"."+n.Children[i].Name)
			if err != nil {
				return nil, err
			}
			b.children, b.source = append(b.children, c), append(b.source, i)
		}
		return b, nil
	case fits(have.Kind, want.Kind):
		b.toFloat = want.Kind == batch.Float64 && have.Kind.Integer()
		return b, nil
	}
	return nil, fmt.Errorf("has column %q of type %s, which cannot fill a field of type %s%s", path, have, want, advice(have.Kind, want.Kind))
}

func (b *binding) bindChildren(path string) error {
	var errs []error
	for _, f := range b.want.Fields {
		c, err := bindField(b.node, batch.Field{Name: f.Name, Type: f.Type})
		if err != nil {
			errs = append(errs, fmt.Errorf("in struct %q: it %w", path, err))
			continue
		}
		b.children = append(b.children, c)
		for i, n := range b.node.Children {
			if n == c.node {
				b.source = append(b.source, i)
			}
		}
	}
	return errors.Join(errs...)
}

// fits reports whether every value of kind have is one of kind want, integers
// above 2⁵³ in a float64 excepted.
func fits(have, want batch.Kind) bool {
	switch {
	case have == want:
		return true
	case have.Form() == batch.StringForm && want.Form() == batch.StringForm:
		return true
	case have.Integer() && want.Integer():
		switch {
		case have.Signed() == want.Signed():
			return have.Bits() <= want.Bits()
		case have.Unsigned():
			return have.Bits() < want.Bits()
		}
		return false
	case want == batch.Float64:
		return have == batch.Float32 || have.Integer()
	}
	return false
}

func advice(have, want batch.Kind) string {
	switch {
	case have.Integer() && want.Integer(), have == batch.Float64 && want == batch.Float32:
		return ": values might not fit; widen the field"
	case have.Float() && want.Integer():
		return ": fractions would be lost; make the field a float64"
	case want == batch.Time:
		return ": only timestamps and dates become times; read the column as it is and convert it in a Map"
	}
	return ""
}
