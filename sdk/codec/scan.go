package codec

import (
	"fmt"
	"reflect"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

var timeType = reflect.TypeFor[time.Time]()

// scanner walks a Go type once and collects what cannot be a column.
type scanner struct {
	errs    []error
	open    map[reflect.Type]bool // structs being walked, to find recursion
	sampled bool                  // there is a sample to read the names of Columns from
}

// place is where in the row the scanner is.
type place struct {
	path   string // Go path
	column string // dotted column name
	name   string // of the column within its parent
	offset uintptr
	inside string // "a list", "a map", "leat.Columns": where no Columns may be
}

func (p place) child(step, name string, offset uintptr) place {
	p.path += step
	p.name, p.offset = name, offset
	if p.column != "" {
		p.column += "."
	}
	p.column += name
	return p
}

func (s *scanner) refuse(at place, t reflect.Type, advice string) *node {
	s.errs = append(s.errs, fmt.Errorf("  %s (%s): %s", at.path, t, advice))
	return nil
}

// value plans a value of type t; sample is that value or invalid. It returns
// nil after an error.
func (s *scanner) value(at place, t reflect.Type, sample reflect.Value) *node {
	if t.Kind() != reflect.Pointer {
		return s.plain(at, t, sample)
	}
	if t.Elem().Kind() == reflect.Pointer {
		return s.refuse(at, t, "a pointer to a pointer has no column; one pointer makes a nullable column")
	}
	if _, ok := groupStruct(t.Elem()); ok {
		return s.refuse(at, t, "a pointer to leat.Columns has no column; use leat.Columns by value")
	}
	if sample.IsValid() {
		sample = sample.Elem() // invalid when nil
	}
	n := s.plain(at, t.Elem(), sample)
	if n != nil {
		nullable := *n.typ
		nullable.Nullable = true
		n.pointer, n.typ = true, &nullable
	}
	return n
}

// plain plans a value that is not a pointer.
func (s *scanner) plain(at place, t reflect.Type, sample reflect.Value) *node {
	n := &node{name: at.name, path: at.path, column: at.column, offset: at.offset,
		goType: t, slice: reflect.SliceOf(t), size: t.Size()}
	kind, form := scalar(t)
	switch {
	case form != noForm:
		n.form, n.typ = form, scalarTypes[kind]
		return n
	case t.Kind() == reflect.Struct:
		return s.structure(n, at, t, sample)
	case t.Kind() == reflect.Slice:
		return s.list(n, at, t)
	case t.Kind() == reflect.Map:
		return s.mapping(n, at, t)
	}
	return s.refuse(at, t, advice(t))
}

// scalarTypes has one shared type a kind.
var scalarTypes = func() (types [batch.List]*batch.Type) {
	for k := range types {
		types[k] = &batch.Type{Kind: batch.Kind(k)}
	}
	return types
}()

func scalar(t reflect.Type) (batch.Kind, form) {
	if t == timeType {
		return batch.Time, timeForm
	}
	switch t.Kind() {
	case reflect.Bool:
		return batch.Bool, boolForm
	case reflect.Int:
		return batch.Int64, intForm
	case reflect.Int8:
		return batch.Int8, int8Form
	case reflect.Int16:
		return batch.Int16, int16Form
	case reflect.Int32:
		return batch.Int32, int32Form
	case reflect.Int64:
		return batch.Int64, int64Form
	case reflect.Uint:
		return batch.Uint64, uintForm
	case reflect.Uint8:
		return batch.Uint8, uint8Form
	case reflect.Uint16:
		return batch.Uint16, uint16Form
	case reflect.Uint32:
		return batch.Uint32, uint32Form
	case reflect.Uint64:
		return batch.Uint64, uint64Form
	case reflect.Float32:
		return batch.Float32, float32Form
	case reflect.Float64:
		return batch.Float64, float64Form
	case reflect.String:
		return batch.String, stringForm
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return batch.Bytes, bytesForm
		}
	}
	return batch.Invalid, noForm
}

func advice(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Chan:
		return "a channel cannot be a column; remove it or tag it `leat:\"-\"`"
	case reflect.Func:
		return "a function cannot be a column; remove it or tag it `leat:\"-\"`"
	case reflect.Interface:
		return "an interface cannot be a column, its type differs from row to row; use a concrete type or []byte"
	case reflect.Complex64, reflect.Complex128:
		return "a complex number cannot be a column; use two float64 fields"
	case reflect.Uintptr, reflect.UnsafePointer:
		return "an address cannot be a column; use uint64 for a number"
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "an array cannot be a column; use []byte or string"
		}
		return fmt.Sprintf("an array cannot be a column; use []%s", t.Elem())
	}
	return "cannot be a column"
}

func (s *scanner) list(n *node, at place, t reflect.Type) *node {
	inner := at.child("[]", "element", 0)
	inner.inside = "a list"
	element := s.value(inner, t.Elem(), reflect.Value{})
	if element == nil {
		return nil
	}
	n.form, n.fields = listForm, []*node{element}
	n.typ = &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: element.typ}}}
	return n
}

func (s *scanner) mapping(n *node, at place, t reflect.Type) *node {
	inner := at.child("[value]", "value", 0)
	inner.inside = "a map"
	value := s.value(inner, t.Elem(), reflect.Value{})
	kind, _ := scalar(t.Key())
	if kind != batch.Bool && kind != batch.String && !kind.Integer() {
		return s.refuse(at, t, fmt.Sprintf("a map key must be a bool, an integer or a string, not %s; use a list of structs {key, value}", t.Key()))
	}
	if value == nil {
		return nil
	}
	key := s.value(at.child("[key]", "key", 0), t.Key(), reflect.Value{})
	n.form, n.fields = mapForm, []*node{key, value}
	n.typ = &batch.Type{Kind: batch.Map, Fields: []batch.Field{{Name: "key", Type: key.typ}, {Name: "value", Type: value.typ}}}
	return n
}

func (s *scanner) structure(n *node, at place, t reflect.Type, sample reflect.Value) *node {
	if _, ok := groupStruct(t); ok {
		return s.refuse(at, t, "leat.Columns is a group of columns, not a row; make it a field of a struct")
	}
	if s.open[t] {
		return s.refuse(at, t, "the type contains itself, so its columns have no end; hold a key of the other row instead")
	}
	s.open[t] = true
	defer delete(s.open, t)
	before := len(s.errs)
	n.form, n.typ = structForm, &batch.Type{Kind: batch.Struct}
	s.fields(n, at, t, sample, 0)
	s.unique(n)
	if len(s.errs) > before {
		return nil
	}
	return n
}

// unique refuses two fields that would be the same column.
func (s *scanner) unique(n *node) {
	paths := make(map[string]string)
	check := func(name, path string) {
		if first, ok := paths[name]; ok {
			s.errs = append(s.errs, fmt.Errorf("  %s: column %q is already that of %s; give one of them another name with a tag `leat:\"name\"`", path, name, first))
		}
		paths[name] = path
	}
	for _, f := range n.fields {
		check(f.name, f.path)
	}
	for _, g := range n.groups {
		for _, f := range g.fields {
			check(f.name, f.path)
		}
	}
}

// fields adds the fields of t, found base bytes into the struct of n, to n.
func (s *scanner) fields(n *node, at place, t reflect.Type, sample reflect.Value, base uintptr) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("leat")
		if tag == "-" || f.Name == "_" {
			n.opaque = true
			continue
		}
		var value reflect.Value
		if sample.IsValid() {
			value = sample.Field(i)
		}
		if f.Anonymous && tag == "" && s.embedded(n, at, f, value, base) {
			continue
		}
		name := f.Name
		if tag != "" {
			name = tag
		} else if _, group := groupStruct(f.Type); group && f.Anonymous {
			name = "" // embedded: its columns have no prefix
		}
		inner := at.child("."+f.Name, name, base+f.Offset)
		switch {
		case !f.IsExported():
			s.refuse(inner, f.Type, "the field is unexported, so its value would be lost; export it or tag it `leat:\"-\"`")
		case tagged && tag == "":
			s.refuse(inner, f.Type, "the tag `leat:\"\"` names no column; give a name or remove the tag")
		default:
			s.field(n, inner, f.Type, value)
		}
	}
}

// embedded flattens an embedded struct without a tag and reports whether f is one.
func (s *scanner) embedded(n *node, at place, f reflect.StructField, value reflect.Value, base uintptr) bool {
	t := f.Type
	if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct && t.Elem() != timeType {
		s.refuse(at.child("."+f.Name, f.Name, 0), t, "an embedded pointer cannot be flattened; embed the struct by value or give it a name with a tag")
		return true
	}
	if _, ok := groupStruct(t); ok || t.Kind() != reflect.Struct || t == timeType {
		return false
	}
	at.path += "." + f.Name
	if s.open[t] {
		s.refuse(at, t, "the type contains itself, so its columns have no end; hold a key of the other row instead")
		return true
	}
	s.open[t] = true
	defer delete(s.open, t)
	s.fields(n, at, t, value, base+f.Offset)
	return true
}

func (s *scanner) field(n *node, at place, t reflect.Type, value reflect.Value) {
	if row, ok := groupStruct(t); ok {
		s.group(n, at, t, row, value)
		return
	}
	child := s.value(at, t, value)
	if child == nil {
		return
	}
	n.opaque = n.opaque || child.opaque && !child.pointer
	n.fields = append(n.fields, child)
	n.index = append(n.index, len(n.typ.Fields))
	n.typ.Fields = append(n.typ.Fields, batch.Field{Name: child.name, Type: child.typ})
}
