// Package protobuf decodes and encodes payloads of Protocol Buffers, bare or as a
// Confluent-compatible registry has them.
//
// The one central idea: a message and the row type are bound once, by the names of
// fields. A payload is walked in the order it has, and each field goes to its
// column by number; what nobody reads is stepped over. No message is made of it:
//
//	payload                       number ─▶ column
//	0a 03 "ATL"   field 1, text   1  ─────▶ origin  ATL │
//	22 02 "ok"    field 4         4  skip
//	10 08         field 2, int    2  ─────▶ delay   8   │
//
// How fields are read into columns, and written from them:
//
//	bool                            bool
//	int32, sint32, sfixed32, …64    integers, range-checked
//	uint32, fixed32, …64            integers, range-checked
//	float                           float32; read into float64 too
//	double                          float64; written from float32 too
//	string                          string; reading refuses what is no UTF-8,
//	                                writing makes U+FFFD of it
//	bytes                           bytes
//	enum                            string: the name of the value, its number where
//	                                there is none; or an integer, the number
//	google.protobuf.Timestamp       time, in whole microseconds (rounded down)
//	google.protobuf.Int64Value, …   as the field within
//	message                         struct
//	repeated                        list, whose elements are not nullable
//	map                             map, whose values are not nullable
//
// A field that is absent is its default when the message cannot tell (a plain
// proto3 field); where it can (optional, oneof, messages), it is null, or an error
// when the column is not nullable and no default is declared. Null is written by
// leaving the field out; two of one oneof are not written. Of a field that occurs
// twice the last counts, and messages that do are merged, as Protocol Buffers have
// it. Groups are not read. Fields are found by their name in the .proto file, else
// by their JSON name.
package protobuf

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/registry"
)

// Format is Protocol Buffers as the payload of messages.
type Format struct {
	// Message describes the payloads: that of a generated type, such as
	// (&pb.Report{}).ProtoReflect().Descriptor(), or what Load found in a file.
	Message protoreflect.MessageDescriptor
	// Registry has the schemas of payloads; each payload begins with the id of its
	// schema and the place of its message in it. nil: payloads are bare messages.
	// Payloads are read by the numbers of the fields of Message; that the schema of
	// an id exists is not asked for.
	Registry *registry.Registry
	// AnyMessage accepts payloads whose message has another place in their schema
	// than Message has in its file.
	AnyMessage bool
	// Registered says that the schema of Message is in the registry already;
	// otherwise it is registered when rows are first written.
	Registered bool
}

var _ message.Format = Format{}

// String implements message.Format.
func (f Format) String() string {
	name := "protobuf"
	if f.Message != nil {
		name += " " + string(f.Message.FullName())
	}
	if f.Registry != nil {
		name += " (registry)"
	}
	return name
}

// Validate implements message.Format.
func (f Format) Validate(t *batch.Type) error {
	var errs []error
	if f.Registry != nil {
		errs = append(errs, f.Registry.Validate())
	}
	if f.Message == nil {
		errs = append(errs, errors.New("protobuf.Format has no Message; take that of a generated type, or protobuf.Load one"))
	}
	if t == nil {
		errs = append(errs, errors.New("there is no row type"))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if t.Kind != batch.Struct {
		return fmt.Errorf("a payload of %s is a struct, not %s", f.Message.FullName(), t)
	}
	_, err := bindAll(f.Message, t)
	return err
}

// Decoder implements message.Format.
func (f Format) Decoder(_ context.Context, r message.DecodeRequest) (message.Decoder, error) {
	if err := f.Validate(r.Type); err != nil {
		return nil, err
	}
	return newDecoder(f, r)
}

// Encoder implements message.Format.
func (f Format) Encoder(ctx context.Context, r message.EncodeRequest) (message.Encoder, error) {
	if err := f.Validate(r.Type); err != nil {
		return nil, err
	}
	return newEncoder(ctx, f, r)
}
