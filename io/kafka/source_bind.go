package kafka

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// part is what a field of a row can be filled with.
type part uint8

const (
	value part = iota // the value of the record, or a field of it
	key
	topicName
	partitionNumber
	offset
	timestamp
	headers
	parts // how many there are
)

// binding says which part of a record fills which field of the row type.
type binding struct {
	row     *batch.Type
	payload *batch.Type        // what the value of a record is decoded as: the row without the other parts
	needed  []bool             // fields of payload; nil: all
	parts   []part             // by field of the row; nil: the row is no struct, and the payload is all of it
	types   [parts]*batch.Type // of the fields that parts fill
	read    [parts]bool        // whether a part is read at all
}

// option is a field of Source that names a field of the row type.
type option struct {
	part  part
	name  string // of the option
	field string // what it says
	kinds string
	fits  func(*batch.Type) bool
}

func (s Source) fields() []option {
	return []option{
		{key, "KeyField", s.KeyField, "a string or []byte", text},
		{topicName, "TopicField", s.TopicField, "a string", func(t *batch.Type) bool { return t.Kind == batch.String }},
		{partitionNumber, "PartitionField", s.PartitionField, "an int32 or int64", func(t *batch.Type) bool { return t.Kind == batch.Int32 || t.Kind == batch.Int64 }},
		{offset, "OffsetField", s.OffsetField, "an int64", func(t *batch.Type) bool { return t.Kind == batch.Int64 }},
		{timestamp, "TimestampField", s.TimestampField, "a time.Time", func(t *batch.Type) bool { return t.Kind == batch.Time }},
		{headers, "HeadersField", s.HeadersField, "a map[string]string or map[string][]byte", textMap},
	}
}

func text(t *batch.Type) bool { return t.Kind == batch.String || t.Kind == batch.Bytes }

func textMap(t *batch.Type) bool {
	return t.Kind == batch.Map && t.Fields[0].Type.Kind == batch.String && text(t.Fields[1].Type)
}

// bind finds the fields of the row type that the options name, and reports all that
// does not fit.
func (s Source) bind(t *batch.Type, needed []bool) (*binding, error) {
	b := &binding{row: t, payload: t, needed: needed}
	if t.Kind != batch.Struct {
		return b, s.bindScalar(t)
	}
	b.parts = make([]part, len(t.Fields))
	var errs []error
	for _, o := range s.fields() {
		if o.field == "" {
			continue
		}
		i := t.Index(o.field)
		switch {
		case i < 0:
			errs = append(errs, fmt.Errorf("kafka: %s names %q, which the row type does not have%s", o.name, o.field, connector.Closest(o.field, fieldNames(t))))
		case b.parts[i] != value:
			errs = append(errs, fmt.Errorf("kafka: %s names %q, which another option names too", o.name, o.field))
		case !o.fits(t.Fields[i].Type):
			errs = append(errs, fmt.Errorf("kafka: %s %q must be %s, not %s", o.name, o.field, o.kinds, t.Fields[i].Type))
		default:
			b.parts[i], b.types[o.part] = o.part, t.Fields[i].Type
			b.read[o.part] = needed == nil || needed[i]
		}
	}
	if err := errors.Join(errs...); err != nil {
		return b, err
	}
	b.split()
	return b, nil
}

// bindScalar reports options that want a field of a row that has none.
func (s Source) bindScalar(t *batch.Type) error {
	var errs []error
	for _, o := range s.fields() {
		if o.field != "" {
			errs = append(errs, fmt.Errorf("kafka: %s names field %q, but the rows are %s, not structs", o.name, o.field, t))
		}
	}
	return errors.Join(errs...)
}

// split takes the fields that come from elsewhere out of the payload.
func (b *binding) split() {
	b.payload = &batch.Type{Kind: batch.Struct, Nullable: b.row.Nullable}
	needed := []bool{}
	for i, f := range b.row.Fields {
		if b.parts[i] == value {
			b.payload.Fields = append(b.payload.Fields, f)
			needed = append(needed, b.needed == nil || b.needed[i])
		}
	}
	if b.needed != nil {
		b.needed = needed
	}
}

func fieldNames(t *batch.Type) []string {
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return names
}
