package protobuf

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/leatflow/leat/sdk/batch"
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
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	if e.Field != "" {
		name += "." + e.Field
	}
	e.Field = name
	return e
}

// body reads the bytes of one message into columns.
type body struct {
	fields  []*target
	near    []*target // by number, the small ones
	far     map[protowire.Number]*target
	columns []*columns.Builder // of the fields that are read
}

// target is a field of a message and the column its values go to.
type target struct {
	name     string
	number   protowire.Number
	shape    shape
	wire     protowire.Type         // of a value, or of an element that is not packed
	to       *columns.Builder       // nil: the field is only known to be of a oneof
	values   *columns.Builder       // where values are appended: to, or its element
	repeated bool                   // list or map
	isMap    bool                   //
	body     *body                  // messageShape, wrapShape
	symbols  map[int32]string       // enumShape
	oneof    []*target              // the others of the oneof
	low      int64                  // of integers
	high     int64                  //
	signed   bool                   //
	bits     int                    //
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
// fields. On error they may hold parts of it: see columns.Builder.Truncate.
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

// value appends the value that data begins with. It returns how many bytes that
// has, or what protowire says is wrong with them.
func (f *target) value(data []byte, row int) (int, error) {
	switch f.shape {
	case signedShape, unsignedShape, zigzagShape, boolShape, enumShape:
		v, n := uint64(0), 1
		if len(data) > 0 && data[0] < 0x80 {
			v = uint64(data[0])
		} else if v, n = protowire.ConsumeVarint(data); n < 0 {
			return n, nil
		}
		return n, f.varint(v)
	case fixed32Shape, floatShape:
		if len(data) < 4 {
			return -1, nil
		}
		v := binary.LittleEndian.Uint32(data)
		if f.shape == floatShape {
			f.values.Float(float64(math.Float32frombits(v)))
			return 4, nil
		}
		return 4, f.integer(uint64(v))
	case fixed64Shape, doubleShape:
		if len(data) < 8 {
			return -1, nil
		}
		v := binary.LittleEndian.Uint64(data)
		if f.shape == doubleShape {
			f.values.Float(math.Float64frombits(v))
			return 8, nil
		}
		return 8, f.integer(v)
	}
	v, n := protowire.ConsumeBytes(data)
	if n < 0 {
		return n, nil
	}
	return n, f.bytes(v, row)
}

func (f *target) varint(v uint64) error {
	switch f.shape {
	case boolShape:
		f.values.Bool(v != 0)
		return nil
	case zigzagShape:
		if f.bits == 32 {
			v &= math.MaxUint32
		}
		v = uint64(protowire.DecodeZigZag(v))
	case enumShape:
		f.symbol(int32(v))
		return nil
	}
	return f.integer(v)
}

// integer appends a number of which the field has the lowest bits.
func (f *target) integer(v uint64) error {
	i := int64(v)
	switch {
	case f.bits == 32 && f.signed:
		i = int64(int32(v))
	case f.bits == 32:
		i = int64(uint32(v))
	case !f.signed && i < 0: // past the end of an int64
		if f.values.Type.Kind != batch.Uint64 {
			return fail("%d does not fit %s", v, f.values.Type.Kind)
		}
		f.values.Int(i)
		return nil
	}
	if i < f.low || i > f.high {
		return fail("%d does not fit %s", i, f.values.Type.Kind)
	}
	f.values.Int(i)
	return nil
}

func (f *target) symbol(number int32) {
	name, known := f.symbols[number]
	if known {
		f.values.Strings.Data = append(f.values.Strings.Data, name...)
	} else {
		f.values.Strings.Data = strconv.AppendInt(f.values.Strings.Data, int64(number), 10)
	}
	f.values.EndString()
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

// timestamp returns the microseconds of a google.protobuf.Timestamp.
func timestamp(data []byte) (int64, error) {
	var parts [3]int64 // seconds and nanoseconds, by number
	for len(data) > 0 {
		number, wire, n := protowire.ConsumeTag(data)
		if n < 0 {
			return 0, broken("the tag of a field of a Timestamp", n)
		}
		data = data[n:]
		if number > 2 || wire != protowire.VarintType {
			if n = protowire.ConsumeFieldValue(number, wire, data); n < 0 {
				return 0, broken("a field of a Timestamp", n)
			}
		} else {
			var v uint64
			if v, n = protowire.ConsumeVarint(data); n < 0 {
				return 0, broken("a field of a Timestamp", n)
			}
			parts[number] = int64(v)
		}
		data = data[n:]
	}
	seconds, nanos := parts[1], int64(int32(parts[2]))
	if nanos < 0 || nanos > 999_999_999 {
		return 0, fail("a Timestamp has %d nanoseconds; want 0 to 999,999,999", nanos)
	}
	if seconds < batch.MinTime/1_000_000 || seconds >= batch.MaxTime/1_000_000 {
		return 0, fail("a Timestamp of %d seconds is out of range", seconds)
	}
	return seconds*1_000_000 + nanos/1000, nil
}

// defaultOf returns what appends the default of a field, nil when it has none.
func defaultOf(f protoreflect.FieldDescriptor, s shape) func(*columns.Builder) {
	entry := f.ContainingMessage().IsMapEntry()
	if f.Message() != nil || f.HasPresence() && !f.HasDefault() && !entry {
		return nil
	}
	v := f.Default()
	switch s {
	case boolShape:
		return func(b *columns.Builder) { b.Bool(v.Bool()) }
	case floatShape, doubleShape:
		return func(b *columns.Builder) { b.Float(v.Float()) }
	case textShape:
		return func(b *columns.Builder) { b.Bytes([]byte(v.String())) }
	case bytesShape:
		return func(b *columns.Builder) { b.Bytes(v.Bytes()) }
	case enumShape:
		name := []byte(f.Enum().Values().ByNumber(v.Enum()).Name())
		return func(b *columns.Builder) { b.Bytes(name) }
	}
	switch f.Kind() {
	case protoreflect.EnumKind:
		return func(b *columns.Builder) { b.Int(int64(v.Enum())) }
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		return func(b *columns.Builder) { b.Int(int64(v.Uint())) }
	}
	return func(b *columns.Builder) { b.Int(v.Int()) }
}
