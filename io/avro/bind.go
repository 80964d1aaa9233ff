package avro

import (
	"fmt"
	"math"
	"slices"

	"github.com/twmb/avro"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message/columns"
)

// binder makes the steps for a writer's schema.
type binder struct {
	writer *schema
	reader *schema // nil: there is none

	skips map[*avro.SchemaNode]*step // named types that are stepped over, which may refer to themselves
}

// bind returns the step that reads values of w into a builder. r is the reader's
// schema of the same value, nil where there is none.
func (b *binder) bind(w, r *avro.SchemaNode, to *columns.Builder) (*step, error) {
	w = b.writer.look(w)
	s := &step{to: to}
	switch w.Type {
	case "null":
		s.action = readNull
		return s, nil
	case "union":
		return b.union(w, r, to)
	case "record", "error":
		return b.record(w, r, to)
	case "array", "map":
		return b.blocks(w, r, to)
	}
	if w.LogicalType == "decimal" {
		return nil, fmt.Errorf("the schema has %s, which no column holds; leave the field out of the row type", describe(w))
	}
	return s, b.scalar(w, s)
}

// scalar chooses how a value without others in it is read.
func (b *binder) scalar(w *avro.SchemaNode, s *step) error {
	kind := s.to.Type.Kind
	fits := false
	switch w.Type {
	case "boolean":
		s.action, fits = readBoolean, kind == batch.Bool
	case "int", "long":
		s.action = readInt
		if w.Type == "long" {
			s.action = readLong
		}
		fits = s.number(w, kind)
	case "float":
		s.action, fits = readFloat, kind.Float()
	case "double":
		s.action, fits = readDouble, kind == batch.Float64
	case "string", "bytes":
		s.action, fits = readSized, kind.Form() == batch.StringForm
	case "fixed":
		s.action, s.size, fits = readFixed, w.Size, kind.Form() == batch.StringForm
	case "enum":
		s.action, s.symbols, fits = readEnum, symbols(w), kind.Form() == batch.StringForm
	}
	s.utf8 = kind == batch.String && w.Type != "enum"
	if !fits {
		return fmt.Errorf("the schema has %s, which cannot be read into %s%s", describe(w), kind, advice(w, kind))
	}
	return nil
}

func advice(w *avro.SchemaNode, kind batch.Kind) string {
	switch {
	case w.Type == "double" && kind == batch.Float32:
		return "; make the field a float64"
	case w.Type == "long" && kind == batch.Time:
		return ", as it does not say its unit; make the field an int64"
	}
	return ""
}

func symbols(w *avro.SchemaNode) [][]byte {
	var all [][]byte
	for _, symbol := range w.Symbols {
		all = append(all, []byte(symbol))
	}
	return all
}

// number sets the range of an int or long, and for a time its unit.
func (s *step) number(w *avro.SchemaNode, kind batch.Kind) bool {
	switch {
	case kind.Float():
		return true
	case kind == batch.Uint64:
		s.low, s.high = 0, math.MaxInt64
		return true
	case kind.Integer():
		s.low, s.high, _ = kind.Range()
		return true
	case kind != batch.Time:
		return false
	}
	scale, ok := units[w.LogicalType]
	s.scale = scale
	s.low, s.high = batch.MinTime, batch.MaxTime
	switch {
	case scale > 1:
		s.low, s.high = s.low/scale, s.high/scale
	case scale < 0:
		s.low, s.high = math.MinInt64, math.MaxInt64
	}
	return ok
}

// units has the microseconds of one unit of a time; where it is negative, the
// units of one microsecond.
var units = map[string]int64{
	"timestamp-millis": 1000, "timestamp-micros": 1, "timestamp-nanos": -1000,
	"local-timestamp-millis": 1000, "local-timestamp-micros": 1, "local-timestamp-nanos": -1000,
	"date": 86_400_000_000,
}

// union binds each branch for itself: one that does not fit is a mistake only when
// a value has it, unless no branch that is not null fits.
func (b *binder) union(w, r *avro.SchemaNode, to *columns.Builder) (*step, error) {
	s := &step{action: readUnion, to: to}
	var first error
	fitting := 0
	for i := range w.Branches {
		branch := &w.Branches[i]
		bound, err := b.bind(branch, r, to)
		if err != nil {
			if first == nil {
				first = err
			}
			bound = &step{action: refuse, reason: err.Error()}
		} else if branch.Type != "null" {
			fitting++
		}
		s.steps = append(s.steps, bound)
	}
	if fitting == 0 && first != nil {
		return nil, first
	}
	return s, nil
}

func (b *binder) blocks(w, r *avro.SchemaNode, to *columns.Builder) (*step, error) {
	s := &step{action: readArray, to: to}
	inner, kind := w.Items, batch.List
	if w.Type == "map" {
		s.action, inner, kind = readMap, w.Values, batch.Map
	}
	if to.Type.Kind != kind {
		return nil, fmt.Errorf("the schema has %s, which cannot be read into %s", describe(w), to.Type)
	}
	if r = b.readerOf(r, w.Type); r != nil {
		if r.Items != nil {
			r = r.Items
		} else {
			r = r.Values
		}
	}
	element, err := b.bind(inner, r, to.Children[len(to.Children)-1])
	if err != nil {
		return nil, fmt.Errorf("field []: %w", err)
	}
	s.steps = []*step{element}
	return s, nil
}

// readerOf returns the part of the reader's schema that has a given type: the node
// itself or the branch of a union.
func (b *binder) readerOf(r *avro.SchemaNode, typ string) *avro.SchemaNode {
	if r == nil {
		return nil
	}
	r = b.reader.look(r)
	if r.Type == typ {
		return r
	}
	for i := range r.Branches {
		if branch := b.reader.look(&r.Branches[i]); branch.Type == typ {
			return branch
		}
	}
	return nil
}

func (b *binder) record(w, r *avro.SchemaNode, to *columns.Builder) (*step, error) {
	if to.Type.Kind != batch.Struct {
		return nil, fmt.Errorf("the schema has %s, which cannot be read into %s", describe(w), to.Type)
	}
	r = b.readerOf(r, "record")
	s := &step{action: readRecord, to: to, steps: make([]*step, len(w.Fields))}
	for i := range w.Fields {
		s.names = append(s.names, w.Fields[i].Name)
	}
	for i, f := range to.Type.Fields {
		child := to.Children[i]
		if child.Unread {
			continue
		}
		declared := field(r, f.Name)
		k := find(w, f.Name, declared)
		if k < 0 {
			a, err := b.absent(f, declared, child)
			if err != nil {
				return nil, err
			}
			s.absent = append(s.absent, a)
			continue
		}
		if s.steps[k] != nil {
			return nil, fmt.Errorf("field %s: by its aliases the schema's field %s is this one and another", f.Name, w.Fields[k].Name)
		}
		var inner *avro.SchemaNode
		if declared != nil {
			inner = &declared.Type
		}
		step, err := b.bind(&w.Fields[k].Type, inner, child)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		s.steps[k] = step
	}
	for k := range s.steps {
		if s.steps[k] == nil {
			s.steps[k] = b.skip(&w.Fields[k].Type)
		}
	}
	return s, nil
}

// field returns the field of the reader's record with a name.
func field(r *avro.SchemaNode, name string) *avro.SchemaField {
	if r == nil {
		return nil
	}
	for i := range r.Fields {
		if r.Fields[i].Name == name {
			return &r.Fields[i]
		}
	}
	return nil
}

// find returns the position of the writer's field for one of the row type: by its
// name, by the aliases the reader declares, by those the writer declares.
func find(w *avro.SchemaNode, name string, declared *avro.SchemaField) int {
	names := []string{name}
	if declared != nil {
		names = append(names, declared.Aliases...)
	}
	for _, name := range names {
		if k := slices.IndexFunc(w.Fields, func(f avro.SchemaField) bool { return f.Name == name }); k >= 0 {
			return k
		}
	}
	return slices.IndexFunc(w.Fields, func(f avro.SchemaField) bool { return slices.Contains(f.Aliases, name) })
}

// absent says what a field is that the writer's record lacks: the reader's default,
// written once as Avro and read for each row, or null.
func (b *binder) absent(f batch.Field, declared *avro.SchemaField, to *columns.Builder) (absent, error) {
	a := absent{name: f.Name, to: to}
	if declared == nil || !declared.HasDefault {
		if !f.Type.Nullable {
			return a, fmt.Errorf("field %s: the schema has no such field, and %s is never null", f.Name, f.Type)
		}
		return a, nil
	}
	schema, err := declared.Type.Schema()
	if err == nil {
		a.value, err = schema.Encode(declared.Default)
	}
	if err != nil {
		return a, fmt.Errorf("field %s: its default cannot be written: %w", f.Name, err)
	}
	own := &binder{writer: b.reader, reader: b.reader}
	if a.step, err = own.bind(&declared.Type, &declared.Type, to); err != nil {
		return a, fmt.Errorf("field %s: its default: %w", f.Name, err)
	}
	return a, nil
}

// skip returns the step over values of w.
func (b *binder) skip(w *avro.SchemaNode) *step {
	w = b.writer.look(w)
	if s := b.skips[w]; s != nil {
		return s
	}
	s := &step{}
	if b.skips == nil {
		b.skips = make(map[*avro.SchemaNode]*step)
	}
	b.skips[w] = s
	switch w.Type {
	case "null":
		s.action = readNull
	case "boolean":
		s.action = readBoolean
	case "int":
		s.action = readInt
	case "long":
		s.action = readLong
	case "float":
		s.action = readFloat
	case "double":
		s.action = readDouble
	case "string", "bytes":
		s.action = readSized
	case "fixed":
		s.action, s.size = readFixed, w.Size
	case "enum":
		s.action, s.symbols = readEnum, symbols(w)
	case "array":
		s.action, s.steps = readArray, []*step{b.skip(w.Items)}
	case "map":
		s.action, s.steps = readMap, []*step{b.skip(w.Values)}
	case "union":
		s.action = readUnion
		for i := range w.Branches {
			s.steps = append(s.steps, b.skip(&w.Branches[i]))
		}
	case "record", "error":
		s.action = readRecord
		for i := range w.Fields {
			s.names = append(s.names, w.Fields[i].Name)
			s.steps = append(s.steps, b.skip(&w.Fields[i].Type))
		}
	default:
		s.reason = "the schema has the unknown type " + w.Type
	}
	return s
}
