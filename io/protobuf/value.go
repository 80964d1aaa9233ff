package protobuf

import (
	"encoding/binary"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message/columns"
)

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
