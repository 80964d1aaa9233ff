package protobuf

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/registry"
)

// encoder implements message.Encoder.
type encoder struct {
	typ    *batch.Type
	root   *render
	header []byte // before each payload
}

func newEncoder(ctx context.Context, f Format, r message.EncodeRequest) (message.Encoder, error) {
	if r.Type.Nullable {
		return nil, fmt.Errorf("rows of type %s may be null, and no payload of %s is", r.Type, f.Message.FullName())
	}
	links, err := bindAll(f.Message, r.Type)
	if err == nil {
		err = errors.Join(narrowing(links, floatShape, batch.Float64), unwritable(f.Message, links))
	}
	if err != nil {
		return nil, err
	}
	e := &encoder{typ: r.Type, root: &render{shape: messageShape, fields: newParts(links)}}
	if f.Registry != nil {
		id, err := register(ctx, f, registry.Subject(r.Topic, r.Key))
		if err != nil {
			return nil, err
		}
		e.header = appendPlace(registry.AppendHeader(nil, id), place(f.Message))
	}
	return e, nil
}

// unwritable finds columns whose nulls a message cannot tell from its defaults, and
// fields that every message must have and the rows lack.
func unwritable(m protoreflect.MessageDescriptor, links []link) error {
	var errs []error
	written := make(map[protoreflect.FieldNumber]bool)
	for _, l := range links {
		written[l.field.Number()] = true
		if l.typ.Nullable && !l.field.HasPresence() {
			errs = append(errs, fmt.Errorf("field %s: the column may be null, and the message has %s, which cannot; declare it optional", l.field.Name(), describe(l.field)))
		}
		inner := l.inner
		if l.field.IsMap() {
			l = l.inner[1]
			inner = l.inner
		}
		if l.shape == messageShape {
			if err := unwritable(l.field.Message(), inner); err != nil {
				errs = append(errs, fmt.Errorf("field %s: %w", l.field.Name(), err))
			}
		}
	}
	for i := range m.Fields().Len() {
		if f := m.Fields().Get(i); f.Cardinality() == protoreflect.Required && !written[f.Number()] {
			errs = append(errs, fmt.Errorf("field %s: it is required, and the rows have none", f.Name()))
		}
	}
	return errors.Join(errs...)
}

// Encode implements message.Encoder.
func (e *encoder) Encode(_ context.Context, dst []byte, ends []int, rows *batch.Column) ([]byte, []int, error) {
	if !e.typ.Equal(rows.Type) {
		return dst, ends, fmt.Errorf("the rows are of type %s, the encoder was made for %s", rows.Type, e.typ)
	}
	if err := e.root.column(rows); err != nil {
		return dst, ends, err
	}
	return e.root.Payloads(dst, ends, e.header)
}

// register returns the id of the file that declares the message, with those that it
// imports registered under their paths, as Confluent's clients do. A registry takes
// a serialized file in place of its text.
func register(ctx context.Context, f Format, subject string) (int, error) {
	s, err := schemaOf(ctx, f, f.Message.ParentFile())
	if err != nil {
		return 0, err
	}
	return f.Registry.ID(ctx, subject, s, !f.Registered)
}

func schemaOf(ctx context.Context, f Format, file protoreflect.FileDescriptor) (sr.Schema, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(protodesc.ToFileDescriptorProto(file))
	if err != nil {
		return sr.Schema{}, fmt.Errorf("%s: %w", file.Path(), err)
	}
	s := sr.Schema{Type: sr.TypeProtobuf, Schema: base64.StdEncoding.EncodeToString(raw)}
	for i := range file.Imports().Len() {
		imported := file.Imports().Get(i)
		if strings.HasPrefix(imported.Path(), "google/protobuf/") {
			continue // registries have these
		}
		inner, err := schemaOf(ctx, f, imported.FileDescriptor)
		if err != nil {
			return s, err
		}
		version, err := f.Registry.Version(ctx, imported.Path(), inner, !f.Registered)
		if err != nil {
			return s, err
		}
		s.References = append(s.References, sr.SchemaReference{Name: imported.Path(), Subject: imported.Path(), Version: version})
	}
	return s, nil
}
