package protobuf

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/leatflow/leat/sdk/batch"
)

// shape says how values of a field and of a column become each other.
type shape uint8

const (
	noShape       shape = iota
	boolShape           // varint
	signedShape         // int32, int64: varint
	zigzagShape         // sint32, sint64
	unsignedShape       // uint32, uint64: varint
	fixed32Shape        // sfixed32 signed, fixed32 not
	fixed64Shape
	floatShape
	doubleShape
	textShape
	bytesShape
	enumShape // by name
	timeShape // google.protobuf.Timestamp
	wrapShape // google.protobuf.Int64Value and the like
	messageShape
)

// link is a field of a message bound to a column of a type.
type link struct {
	field  protoreflect.FieldDescriptor
	typ    *batch.Type // of the column
	column int         // among those of the row
	shape  shape       // of the value, or of an element
	inner  []link      // messageShape: its fields; a map: key and value; wrapShape: the value
}

// bindAll binds the fields of a message to those of a struct, all mistakes joined.
func bindAll(m protoreflect.MessageDescriptor, t *batch.Type) ([]link, error) {
	var links []link
	var errs []error
	taken := make(map[protoreflect.FieldNumber]string)
	for i, f := range t.Fields {
		field := m.Fields().ByName(protoreflect.Name(f.Name))
		if field == nil {
			field = m.Fields().ByJSONName(f.Name)
		}
		if field == nil {
			errs = append(errs, fmt.Errorf("field %s: message %s has none of this name", f.Name, m.FullName()))
			continue
		}
		if other, ok := taken[field.Number()]; ok {
			errs = append(errs, fmt.Errorf("field %s: it is the same as %s", f.Name, other))
		}
		taken[field.Number()] = f.Name
		l, err := bindField(field, f.Type)
		if err != nil {
			errs = append(errs, fmt.Errorf("field %s: %w", f.Name, err))
			continue
		}
		l.column = i
		links = append(links, l)
	}
	return links, errors.Join(errs...)
}

func bindField(field protoreflect.FieldDescriptor, t *batch.Type) (link, error) {
	l := link{field: field, typ: t}
	switch {
	case field.IsMap():
		if t.Kind != batch.Map {
			return l, mismatch(field, t)
		}
		key, err := bindValue(field.MapKey(), t.Fields[0].Type)
		if err != nil {
			return l, fmt.Errorf("key: %w", err)
		}
		value, err := bindValue(field.MapValue(), t.Fields[1].Type)
		if err != nil {
			return l, fmt.Errorf("value: %w", err)
		}
		value.column = 1
		l.shape, l.inner = messageShape, []link{key, value}
		return l, within(t.Fields[1].Type)
	case field.IsList():
		if t.Kind != batch.List {
			return l, mismatch(field, t)
		}
		element, err := bindValue(field, t.Fields[0].Type)
		if err != nil {
			return l, err
		}
		l.shape, l.inner = element.shape, element.inner
		return l, within(t.Fields[0].Type)
	}
	return bindValue(field, t)
}

// within refuses nulls where Protocol Buffers have none.
func within(t *batch.Type) error {
	if t.Nullable {
		return fmt.Errorf("elements of repeated fields and values of maps are never null, and here are %s", t)
	}
	return nil
}

// bindValue binds a value that is neither repeated nor a map.
func bindValue(field protoreflect.FieldDescriptor, t *batch.Type) (link, error) {
	l := link{field: field, typ: t, shape: shapeOf(field, t.Kind)}
	var err error
	switch l.shape {
	case noShape:
		err = mismatch(field, t)
	case messageShape:
		l.inner, err = bindAll(field.Message(), t)
	case wrapShape:
		var value link
		value, err = bindValue(field.Message().Fields().ByNumber(1), t)
		l.inner = []link{value}
	}
	return l, err
}

func mismatch(field protoreflect.FieldDescriptor, t *batch.Type) error {
	return fmt.Errorf("the message has %s, which is not %s", describe(field), t)
}

// describe names the type of a field as the .proto file does.
func describe(field protoreflect.FieldDescriptor) string {
	name := field.Kind().String()
	switch {
	case field.IsMap():
		return "map<" + describe(field.MapKey()) + ", " + describe(field.MapValue()) + ">"
	case field.Message() != nil:
		name = string(field.Message().FullName())
	case field.Enum() != nil:
		name = "enum " + string(field.Enum().FullName())
	}
	if field.IsList() {
		return "repeated " + name
	}
	return name
}

// shapeOf returns how a field and a column of a kind fit together, noShape when
// they do not.
func shapeOf(field protoreflect.FieldDescriptor, kind batch.Kind) shape {
	of := func(s shape, fits bool) shape {
		if fits {
			return s
		}
		return noShape
	}
	switch field.Kind() {
	case protoreflect.BoolKind:
		return of(boolShape, kind == batch.Bool)
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		return of(signedShape, kind.Integer())
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return of(zigzagShape, kind.Integer())
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		return of(unsignedShape, kind.Integer())
	case protoreflect.Sfixed32Kind, protoreflect.Fixed32Kind:
		return of(fixed32Shape, kind.Integer())
	case protoreflect.Sfixed64Kind, protoreflect.Fixed64Kind:
		return of(fixed64Shape, kind.Integer())
	case protoreflect.FloatKind:
		return of(floatShape, kind.Float())
	case protoreflect.DoubleKind:
		return of(doubleShape, kind.Float())
	case protoreflect.StringKind:
		return of(textShape, kind == batch.String)
	case protoreflect.BytesKind:
		return of(bytesShape, kind == batch.Bytes)
	case protoreflect.EnumKind:
		if kind.Integer() {
			return signedShape
		}
		return of(enumShape, kind == batch.String)
	case protoreflect.MessageKind:
		switch name := field.Message().FullName(); {
		case kind == batch.Struct:
			return messageShape
		case name == "google.protobuf.Timestamp":
			return of(timeShape, kind == batch.Time)
		case wrappers[name]:
			return of(wrapShape, kind.Form() != batch.ListForm)
		}
	}
	return noShape // groups too
}

// wrappers are the messages around one value that may be absent.
var wrappers = func() map[protoreflect.FullName]bool {
	all := make(map[protoreflect.FullName]bool)
	for _, name := range strings.Fields("Double Float Int64 UInt64 Int32 UInt32 Bool String Bytes") {
		all[protoreflect.FullName("google.protobuf."+name+"Value")] = true
	}
	return all
}()

// signed reports whether a field of integers or an enum is signed.
func signed(field protoreflect.FieldDescriptor) bool {
	switch field.Kind() {
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		return false
	}
	return true
}

// bits returns the width of a field of integers or an enum.
func bits(field protoreflect.FieldDescriptor) int {
	switch field.Kind() {
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Uint64Kind, protoreflect.Sfixed64Kind, protoreflect.Fixed64Kind:
		return 64
	}
	return 32
}
