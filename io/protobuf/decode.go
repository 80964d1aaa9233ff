package protobuf

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/leatflow/leat/sdk/connector/message/columns"
)

// Error says what is wrong with a payload, and in which field.
type Error struct {
	Field  string // route.origin, or empty for the message itself
	Reason string
}

// Error renders both.
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Reason
	}
	return "field " + e.Field + ": " + e.Reason
}

func fail(format string, args ...any) error { return &Error{Reason: fmt.Sprintf(format, args...)} }

// inside puts the name of an enclosing field before the one in err.
func inside(err error, name string) error {
	if e, ok := err.(*Error); ok {
		e.Field = columns.Path(name, e.Field)
	}
	return err
}

// body reads the bytes of one message into columns.
type body struct {
	fields []*target
	near   []*target // by number, the small ones
	far    map[protowire.Number]*target
}

// target is a field of a message and the column its values go to.
type target struct {
	name   string
	number protowire.Number
	shape  shape
	wire   protowire.Type   // of a value, or of an element that is not packed
	to     *columns.Builder // nil: the field is only known to be of a oneof
	values *columns.Builder // where values are appended: to, or its element

	repeated bool             // a list or a map
	isMap    bool             // so the body is that of an entry
	body     *body            // messageShape, wrapShape
	symbols  map[int32]string // enumShape
	oneof    []*target        // the others of the oneof

	bits      int   // of integers
	signed    bool  // integers
	low, high int64 // what the column holds of integers

	presence bool                   // an absent value can be told from the default
	absent   func(*columns.Builder) // appends the default; nil: there is none
	hollow   bool                   // a message that is absent is an empty one

	seen   bool   // in this message
	first  []byte // a message: the bytes it first had
	merged []byte // a message that occurs again: all its bytes so far
}

const nearMax = 256

func (b *body) add(f *target) {
	b.fields = append(b.fields, f)
	if f.number >= nearMax {
		if b.far == nil {
			b.far = make(map[protowire.Number]*target)
		}
		b.far[f.number] = f
		return
	}
	for len(b.near) <= int(f.number) {
		b.near = append(b.near, nil)
	}
	b.near[f.number] = f
}

func (b *body) field(number protowire.Number) *target {
	if int(number) < len(b.near) {
		return b.near[number]
	}
	return b.far[number]
}

// read appends the message that data is as row number row of the columns of its
// fields. On error they may hold parts of it: see columns.Builder.Settle.
func (b *body) read(data []byte, row int) error {
	for _, f := range b.fields {
		f.seen, f.first, f.merged = false, nil, f.merged[:0]
	}
	for len(data) > 0 {
		var tag uint64
		if data[0] < 0x80 {
			tag, data = uint64(data[0]), data[1:]
		} else {
			v, n := protowire.ConsumeVarint(data)
			if n < 0 {
				return broken("the tag of a field", n)
			}
			tag, data = v, data[n:]
		}
		number, wire := protowire.DecodeTag(tag)
		if number < 1 || number > protowire.MaxValidNumber {
			return fail("a field has the number %d", tag>>3)
		}
		f := b.field(number)
		if f == nil {
			n := protowire.ConsumeFieldValue(number, wire, data)
			if n < 0 {
				return broken(fmt.Sprintf("field number %d, which is not read", number), n)
			}
			data = data[n:]
			continue
		}
		n, err := f.read(wire, data, row)
		if err != nil {
			return inside(err, f.name)
		}
		data = data[n:]
	}
	return b.end(row)
}

// broken is the error for bytes that protowire cannot take apart.
func broken(what string, n int) error {
	err := protowire.ParseError(n)
	if err == io.ErrUnexpectedEOF {
		return fail("the payload ends within %s", what)
	}
	return fail("%s is malformed: %s", what, strings.TrimLeft(strings.TrimPrefix(err.Error(), "proto:"), " \u00a0"))
}

// read takes one occurrence of the field, whose value data begins with, and
// returns how many bytes it has.
func (f *target) read(wire protowire.Type, data []byte, row int) (int, error) {
	if f.to != nil && wire == f.wire {
		f.once(row)
		n, err := f.value(data, row)
		if n < 0 {
			return 0, broken("the value", n)
		}
		return n, err
	}
	n := protowire.ConsumeFieldValue(f.number, wire, data)
	if n < 0 {
		return 0, broken("the value", n)
	}
	switch {
	case f.to == nil && wire == f.wire:
		f.once(row)
	case f.repeated && wire == protowire.BytesType && f.wire != protowire.BytesType:
		packed, _ := protowire.ConsumeBytes(data)
		return n, f.packed(packed, row)
	}
	return n, nil // of another wire type: not this field, as all readers have it
}

// once makes room for a value where only the last one counts.
func (f *target) once(row int) {
	if f.repeated {
		return
	}
	if f.seen && f.shape < timeShape {
		f.to.Truncate(row)
	}
	f.seen = true
	for _, other := range f.oneof {
		if other.seen {
			other.seen, other.first, other.merged = false, nil, other.merged[:0]
			if other.to != nil {
				other.to.Truncate(row)
			}
		}
	}
}

func (f *target) packed(data []byte, row int) error {
	for len(data) > 0 {
		n, err := f.value(data, row)
		if n < 0 {
			return broken("a packed value", n)
		}
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func (f *target) bytes(v []byte, row int) error {
	switch {
	case f.shape == textShape && !utf8.Valid(v):
		return fail("the string is not UTF-8")
	case f.shape < timeShape:
		f.values.Bytes(v)
		return nil
	case !f.repeated:
		return f.again(v, row)
	case f.isMap:
		return f.body.read(v, f.to.Children[0].Rows)
	}
	return f.message(v)
}

// again reads a message for the first time, or keeps its bytes for the end, since
// one that occurs again is what the bytes of all its occurrences are together.
func (f *target) again(v []byte, row int) error {
	switch {
	case len(f.merged) > 0:
		f.merged = append(f.merged, v...)
		return nil
	case f.first != nil:
		f.to.Truncate(row)
		f.merged = append(append(f.merged[:0], f.first...), v...)
		if len(f.merged) > 0 {
			return nil
		}
	}
	f.first = v
	return f.message(v)
}

// message appends the value of a field that is a message.
func (f *target) message(v []byte) error {
	switch f.shape {
	case timeShape:
		micros, err := timestamp(v)
		if err == nil {
			f.values.Int(micros)
		}
		return err
	case wrapShape:
		return f.body.read(v, f.values.Rows)
	}
	if err := f.body.read(v, f.values.Rows); err != nil {
		return err
	}
	f.values.EndStruct()
	return nil
}

// end appends what fields are that the message lacks, and ends lists and maps.
func (b *body) end(row int) error {
	for _, f := range b.fields {
		switch {
		case f.to == nil:
		case f.isMap:
			f.to.EndMap()
		case f.repeated:
			f.to.EndList()
		case len(f.merged) > 0:
			if err := f.message(f.merged); err != nil {
				return inside(err, f.name)
			}
		case f.seen:
		case f.presence && f.to.Type.Nullable:
			f.to.Null()
		case f.absent != nil:
			f.absent(f.to)
		case f.hollow:
			if err := f.message(nil); err != nil {
				return inside(err, f.name)
			}
		default:
			return inside(fail("the field is missing, and %s is never null", f.to.Type), f.name)
		}
	}
	return nil
}
