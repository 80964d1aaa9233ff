package kafka

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// layout is what of a row goes where in a record.
type layout struct {
	payload *batch.Type // what Format encodes
	key     *batch.Type // what KeyFormat encodes, when there is one
	kv      bool        // rows are leat.KV: child 0 is the key, child 1 the value
	// Numbers of fields of the row; -1: none.
	keyAt, timeAt, headersAt int
	kept                     []int // fields in the payload; nil: the row as it is
}

// layout finds the fields that the sink names, and reports all mistakes joined.
func (s Sink) layout(t *batch.Type) (l layout, err error) {
	l = layout{payload: t, keyAt: -1, timeAt: -1, headersAt: -1}
	if t == nil {
		return l, errors.New("kafka: the rows have no type")
	}
	var errs []error
	find := func(option, name string, at *int, fits func(*batch.Type) bool, want string) {
		if name == "" {
			return
		}
		if t.Kind != batch.Struct || t.Index(name) < 0 {
			errs = append(errs, fmt.Errorf("kafka: Sink.%s names %q, which the rows do not have%s", option, name, connector.Closest(name, fieldNames(t))))
			return
		}
		i := t.Index(name)
		if !fits(t.Fields[i].Type) {
			errs = append(errs, fmt.Errorf("kafka: Sink.%s names %q, which is %s; it must be %s", option, name, t.Fields[i].Type, want))
			return
		}
		*at = i
	}
	isKey, keyWant := s.fitsKey()
	find("KeyField", s.KeyField, &l.keyAt, isKey, keyWant)
	find("TimestampField", s.TimestampField, &l.timeAt, func(t *batch.Type) bool { return t.Kind == batch.Time }, "a time.Time")
	find("HeadersField", s.HeadersField, &l.headersAt, isHeaders, "a map[string]string or map[string][]byte")
	switch {
	case s.KeyField == "" && isKV(t):
		l.kv, l.keyAt = true, 0
		l.payload = present(t.Fields[1].Type)
		if !isKey(t.Fields[0].Type) {
			errs = append(errs, fmt.Errorf("kafka: the key of the rows is %s; it must be %s", t.Fields[0].Type, keyWant))
		}
	case l.headersAt >= 0:
		l.payload = &batch.Type{Kind: batch.Struct, Nullable: t.Nullable}
		for i, f := range t.Fields {
			if i != l.headersAt {
				l.kept = append(l.kept, i)
				l.payload.Fields = append(l.payload.Fields, f)
			}
		}
	}
	errs = append(errs, s.validateFormats(&l, t))
	return l, errors.Join(errs...)
}

// validateFormats asks the formats whether they can hold the rows.
func (s Sink) validateFormats(l *layout, t *batch.Type) error {
	var errs []error
	if s.Format == nil {
		errs = append(errs, errors.New("kafka: Sink.Format is not set; say what values look like, such as json.Format{}"))
	} else if err := s.Format.Validate(l.payload); err != nil {
		errs = append(errs, fmt.Errorf("kafka: Sink.Format: %w", err))
	}
	switch {
	case s.KeyFormat == nil:
	case s.KeyField == "" && !l.kv:
		errs = append(errs, errors.New("kafka: Sink.KeyFormat is set, but records have no keys; set Sink.KeyField, or write leat.KV"))
	case l.keyAt >= 0:
		l.key = present(t.Fields[l.keyAt].Type)
		if err := s.KeyFormat.Validate(l.key); err != nil {
			errs = append(errs, fmt.Errorf("kafka: Sink.KeyFormat: %w", err))
		}
	}
	return errors.Join(errs...)
}

// fitsKey returns which types a key may have.
func (s Sink) fitsKey() (fits func(*batch.Type) bool, want string) {
	if s.KeyFormat != nil {
		return func(*batch.Type) bool { return true }, ""
	}
	return isText, "a string, []byte or integer, or Sink.KeyFormat must say how it is written"
}

// isText reports whether a key can be written without a format.
func isText(t *batch.Type) bool {
	return t.Kind == batch.String || t.Kind == batch.Bytes || t.Kind >= batch.Int8 && t.Kind <= batch.Uint64
}

// isHeaders reports whether a field can hold headers.
func isHeaders(t *batch.Type) bool {
	return t.Kind == batch.Map && t.Fields[0].Type.Kind == batch.String &&
		(t.Fields[1].Type.Kind == batch.String || t.Fields[1].Type.Kind == batch.Bytes)
}

// isKV reports whether rows have the form of leat.KV.
func isKV(t *batch.Type) bool {
	return t.Kind == batch.Struct && len(t.Fields) == 2 && t.Fields[0].Name == "key" && t.Fields[1].Name == "value"
}

// present is a type without nulls: those are no business of the format.
func present(t *batch.Type) *batch.Type {
	if !t.Nullable {
		return t
	}
	p := *t
	p.Nullable = false
	return &p
}

// values returns the column that Format encodes, and which rows have one: nil
// means all, the others are tombstones and not in the column.
func (l *layout) values(root *batch.Column) (column *batch.Column, rows batch.Bitmap) {
	switch {
	case l.kv:
		return dense(root.Flatten([]int{1}), l.payload)
	case l.kept != nil:
		c := &batch.Column{Type: l.payload, Len: root.Len, Valid: root.Valid}
		for _, i := range l.kept {
			c.Children = append(c.Children, root.Children[i])
		}
		return c, nil
	}
	return root, nil
}

// dense returns a column of type t without the nulls of c, and which rows it has;
// nil means all.
func dense(c *batch.Column, t *batch.Type) (*batch.Column, batch.Bitmap) {
	rows := c.Valid
	if rows != nil {
		var present []int32
		for i := range c.Len {
			if rows.Get(i) {
				present = append(present, int32(i))
			}
		}
		if len(present) == c.Len {
			rows = nil
		} else {
			c = c.Gather(present)
		}
	}
	if c.Type != t {
		d := *c
		d.Type, d.Valid = t, nil
		c = &d
	}
	return c, rows
}
