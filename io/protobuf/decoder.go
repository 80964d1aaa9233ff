package protobuf

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/columns"
	"github.com/leatflow/leat/sdk/connector/message/registry"
)

// decoder implements message.Decoder.
type decoder struct {
	format Format
	root   *columns.Builder
	body   *body
	path   []int // of the message in its file
}

func newDecoder(f Format, r message.DecodeRequest) (*decoder, error) {
	links, err := bindAll(f.Message, r.Type)
	if err == nil {
		err = narrowing(links, doubleShape, batch.Float32)
	}
	if err != nil {
		return nil, err
	}
	d := &decoder{format: f, root: columns.New(r.Type, r.Needed), path: place(f.Message)}
	d.body = newBody(f.Message, links, d.root.Children)
	return d, nil
}

// narrowing refuses fields whose values would lose digits.
func narrowing(links []link, s shape, kind batch.Kind) error {
	var errs []error
	for _, l := range links {
		t := l.typ
		if len(l.inner) == 0 && t.Kind == batch.List {
			t = t.Fields[0].Type
		}
		err := narrowing(l.inner, s, kind)
		if l.shape == s && t.Kind == kind {
			err = fmt.Errorf("the message has %s, which would lose digits as %s", describe(l.field), kind)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("field %s: %w", l.field.Name(), err))
		}
	}
	return errors.Join(errs...)
}

// newBody makes the reader of a message whose fields go to some columns.
func newBody(m protoreflect.MessageDescriptor, links []link, to []*columns.Builder) *body {
	b := &body{}
	for _, l := range links {
		if !to[l.column].Unread {
			b.add(newTarget(l, to[l.column]))
		}
	}
	for i := range m.Oneofs().Len() {
		b.oneof(m.Oneofs().Get(i).Fields())
	}
	return b
}

// oneof tells those of a oneof of each other, if any of them is read.
func (b *body) oneof(fields protoreflect.FieldDescriptors) {
	read := false
	for i := range fields.Len() {
		read = read || b.field(fields.Get(i).Number()) != nil
	}
	if !read || fields.Len() < 2 {
		return
	}
	var members []*target
	for i := range fields.Len() {
		f := fields.Get(i)
		member := b.field(f.Number())
		if member == nil {
			member = &target{name: string(f.Name()), number: f.Number(), wire: wireOf(f)}
			b.add(member)
		}
		members = append(members, member)
	}
	for i, member := range members {
		member.oneof = slices.Delete(slices.Clone(members), i, i+1)
	}
}

func newTarget(l link, to *columns.Builder) *target {
	f := &target{name: string(l.field.Name()), number: l.field.Number(), shape: l.shape, to: to, values: to,
		wire: wireOf(l.field), repeated: l.field.Cardinality() == protoreflect.Repeated, isMap: l.field.IsMap(),
		signed: signed(l.field), bits: bits(l.field), presence: l.field.HasPresence(),
		hollow: l.field.ContainingMessage().IsMapEntry()}
	if f.repeated && !f.isMap {
		f.values = to.Children[0]
	}
	switch {
	case f.isMap:
		f.body = newBody(l.field.Message(), l.inner, to.Children)
		return f
	case l.shape == messageShape:
		f.body = newBody(l.field.Message(), l.inner, f.values.Children)
		return f
	case l.shape == wrapShape:
		f.body = newBody(l.field.Message(), l.inner, []*columns.Builder{f.values})
		return f
	case l.shape == enumShape:
		f.symbols = make(map[int32]string)
		for i := range l.field.Enum().Values().Len() {
			v := l.field.Enum().Values().Get(i)
			if _, known := f.symbols[int32(v.Number())]; !known { // else another name of the same
				f.symbols[int32(v.Number())] = string(v.Name())
			}
		}
	}
	f.low, f.high = math.MinInt64, math.MaxInt64
	if f.values.Type.Kind == batch.Uint64 {
		f.low = 0
	} else if low, high, ok := f.values.Type.Kind.Range(); ok {
		f.low, f.high = low, high
	}
	if !f.repeated && l.shape != timeShape {
		f.absent = defaultOf(l.field, l.shape)
	}
	return f
}

func wireOf(f protoreflect.FieldDescriptor) protowire.Type {
	switch f.Kind() {
	case protoreflect.Sfixed32Kind, protoreflect.Fixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Sfixed64Kind, protoreflect.Fixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}

// Decode implements message.Decoder.
func (d *decoder) Decode(_ context.Context, payload []byte) error {
	if err := columns.Oversized(payload); err != nil {
		return err
	}
	if d.format.Registry != nil {
		_, rest, err := registry.Header(payload)
		if err != nil {
			return err
		}
		path, rest, err := consumePlace(rest)
		if err != nil {
			return err
		}
		if !d.format.AnyMessage && !slices.Equal(path, d.path) {
			return fmt.Errorf("the payload is message %v of its schema, and %s is message %v of its file; set AnyMessage if they are the same all the same", path, d.format.Message.FullName(), d.path)
		}
		payload = rest
	}
	rows := d.root.Rows
	err := d.body.read(payload, rows)
	if err == nil {
		d.root.EndStruct()
	}
	return d.root.Settle(rows, err)
}

// Rows implements message.Decoder.
func (d *decoder) Rows() int { return d.root.Rows }

// Take implements message.Decoder.
func (d *decoder) Take() *batch.Column { return d.root.Take() }
