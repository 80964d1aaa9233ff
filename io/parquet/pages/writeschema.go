package pages

import (
	"fmt"
	"slices"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/leatflow/leat/sdk/batch"
)

// column is a leaf of a file to be written: how to find it in a struct column,
// and what its levels mean.
type column struct {
	path     []string // names of the schema elements, for the footer
	steps    []step   // from the root struct to the leaf
	typ      *batch.Type
	physical format.Type
	maxDef   int
	maxRep   int
}

// step goes from a column to one of its children.
type step struct {
	child    int
	nullable bool // of what the step leads to
	repeated bool // the step goes into the elements of a list or map
}

// schemaWriter lays out a type as schema elements and leaves.
type schemaWriter struct {
	elements []format.SchemaElement
	columns  []*column
	local    bool // timestamps without a zone
}

// CheckType reports whether a file of rows of type t can be written.
func CheckType(t *batch.Type) error {
	_, err := layOut(t, false)
	return err
}

func layOut(t *batch.Type, local bool) (*schemaWriter, error) {
	if t == nil || t.Kind != batch.Struct {
		return nil, fmt.Errorf("the row type must be a struct whose fields are columns, not %s", t)
	}
	if len(t.Fields) == 0 {
		return nil, fmt.Errorf("the row type has no fields, and a Parquet file needs a column")
	}
	s := &schemaWriter{local: local}
	s.add(format.SchemaElement{Name: "schema", NumChildren: thrift.New(int32(len(t.Fields)))})
	for i, f := range t.Fields {
		if err := s.node(f.Name, f.Type, column{steps: []step{{child: i, nullable: f.Type.Nullable}}}); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *schemaWriter) add(e format.SchemaElement) { s.elements = append(s.elements, e) }

func repetition(t *batch.Type) thrift.Null[format.FieldRepetitionType] {
	if t.Nullable {
		return thrift.New(format.Optional)
	}
	return thrift.New(format.Required)
}

// under returns c with one name more. Siblings share what is before it.
func (c column) under(name string) column {
	c.path = append(slices.Clip(c.path), name)
	return c
}

// into returns c with one step more.
func (c column) into(next step) column {
	c.steps = append(slices.Clip(c.steps), next)
	return c
}

// node writes the elements of a column called name. c leads to it already.
func (s *schemaWriter) node(name string, t *batch.Type, c column) error {
	if name == "" {
		return fmt.Errorf("a column under %q has an empty name", c.path)
	}
	c = c.under(name)
	if t.Nullable {
		c.maxDef++
	}
	switch t.Kind {
	case batch.Struct:
		return s.group(name, t, c)
	case batch.List:
		return s.list(name, t, c)
	case batch.Map:
		return s.mapping(name, t, c)
	}
	e := format.SchemaElement{Name: name, RepetitionType: repetition(t)}
	if err := s.leaf(&e, t); err != nil {
		return fmt.Errorf("column %q: %w", name, err)
	}
	s.add(e)
	c.typ, c.physical = t, e.Type.V
	s.columns = append(s.columns, &c)
	return nil
}

func (s *schemaWriter) group(name string, t *batch.Type, c column) error {
	if len(t.Fields) == 0 {
		return fmt.Errorf("column %q is a struct without fields, which Parquet cannot hold", name)
	}
	s.add(format.SchemaElement{Name: name, RepetitionType: repetition(t), NumChildren: thrift.New(int32(len(t.Fields)))})
	for i, f := range t.Fields {
		if err := s.node(f.Name, f.Type, c.into(step{child: i, nullable: f.Type.Nullable})); err != nil {
			return err
		}
	}
	return nil
}

// list writes the three levels the format asks for: list, repeated, element.
func (s *schemaWriter) list(name string, t *batch.Type, c column) error {
	s.add(format.SchemaElement{Name: name, RepetitionType: repetition(t), NumChildren: thrift.New(int32(1)),
		ConvertedType: thrift.New(deprecated.List), LogicalType: format.LogicalType{Value: &format.ListType{}}})
	s.add(format.SchemaElement{Name: "list", RepetitionType: thrift.New(format.Repeated), NumChildren: thrift.New(int32(1))})
	c.maxDef++
	c.maxRep++
	item := t.Fields[0].Type
	return s.node("element", item, c.under("list").into(step{nullable: item.Nullable, repeated: true}))
}

func (s *schemaWriter) mapping(name string, t *batch.Type, c column) error {
	s.add(format.SchemaElement{Name: name, RepetitionType: repetition(t), NumChildren: thrift.New(int32(1)),
		ConvertedType: thrift.New(deprecated.Map), LogicalType: format.LogicalType{Value: &format.MapType{}}})
	s.add(format.SchemaElement{Name: "key_value", RepetitionType: thrift.New(format.Repeated), NumChildren: thrift.New(int32(2))})
	c.maxDef++
	c.maxRep++
	key, value := t.Fields[0].Type, t.Fields[1].Type
	if key.Nullable {
		return fmt.Errorf("column %q is a map with nullable keys, which Parquet does not allow", name)
	}
	if err := s.node("key", key, c.under("key_value").into(step{child: 0, repeated: true})); err != nil {
		return err
	}
	return s.node("value", value, c.under("key_value").into(step{child: 1, nullable: value.Nullable, repeated: true}))
}

// leaf decides how a kind is stored.
func (s *schemaWriter) leaf(e *format.SchemaElement, t *batch.Type) error {
	physical := format.Int32
	switch k := t.Kind; k {
	case batch.Bool:
		physical = format.Boolean
	case batch.Int32:
	case batch.Int64:
		physical = format.Int64
	case batch.Int8, batch.Int16, batch.Uint8, batch.Uint16, batch.Uint32, batch.Uint64:
		if k == batch.Uint64 {
			physical = format.Int64
		}
		e.LogicalType.Value = &format.IntType{BitWidth: int8(k.Bits()), IsSigned: k.Signed()}
		e.ConvertedType = thrift.New(map[batch.Kind]deprecated.ConvertedType{
			batch.Int8: deprecated.Int8, batch.Int16: deprecated.Int16, batch.Uint8: deprecated.Uint8,
			batch.Uint16: deprecated.Uint16, batch.Uint32: deprecated.Uint32, batch.Uint64: deprecated.Uint64}[k])
	case batch.Float32:
		physical = format.Float
	case batch.Float64:
		physical = format.Double
	case batch.String:
		physical = format.ByteArray
		e.LogicalType.Value = &format.StringType{}
		e.ConvertedType = thrift.New(deprecated.UTF8)
	case batch.Bytes:
		physical = format.ByteArray
	case batch.Time:
		physical = format.Int64
		e.LogicalType.Value = &format.TimestampType{IsAdjustedToUTC: !s.local, Unit: format.TimeUnit{Value: &format.MicroSeconds{}}}
		if !s.local { // readers take the old annotation for UTC
			e.ConvertedType = thrift.New(deprecated.TimestampMicros)
		}
	default:
		return fmt.Errorf("Parquet cannot hold the type %s", t)
	}
	e.Type = thrift.New(physical)
	return nil
}
