// Package avro decodes and encodes payloads of Avro, with the schemas of a
// Confluent-compatible registry or with one schema for all.
//
// The one central idea: a schema and the row type are bound once, to a tree of
// steps that walks the bytes in the writer's order and appends to columns; what
// nobody reads is stepped over. No record becomes a Go value, and nothing is
// allocated for what a payload claims to hold before it is there.
//
//	writer's schema        payload            steps              columns
//	origin  string         06 "ATL"           string ──────────▶ origin  ATL │
//	note    string         04 "ok"            skip
//	delay   [null, int]    02 08              union ─┬ null ────▶
//	                                                 └ int ─────▶ delay   4  │
//
// How Avro is read into columns:
//
//	null                       null; an empty list or map; an error unless nullable
//	boolean                    bool
//	int, long                  integers, range-checked; float32 and float64
//	float                      float32, float64
//	double                     float64
//	string, enum               string; bytes
//	bytes, fixed               bytes; string, which must be UTF-8
//	timestamp-millis, -micros, -nanos, the local ones taken as UTC, and date
//	                           time, in whole microseconds (rounded down); or an
//	                           integer, the number as it stands
//	array, map, record         list, map<string, …>, struct
//	union                      what its branches are; the branch of the value decides
//	decimal                    not read: no column holds it
//
// A field of the row type is the field of the record with its name, else the one
// that has its name among its aliases. With a Schema, which is then the reader's,
// its aliases and defaults count too. A field that is nowhere is null, or, when it
// is not nullable, an error.
//
// How columns are written when there is no Schema: bool as boolean, integers up to
// 32 bits as int, others as long (a uint64 past its end is an error), float32 as
// float, float64 as double, string, bytes, time as timestamp-micros, list as
// array, map<string, …> as map, struct as record, nullable as a union with null.
package avro

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/avro"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/registry"
)

// Format is Avro as the payload of messages.
type Format struct {
	// Registry has the schemas payloads were written with, and gets that of the
	// rows; each payload begins with the id of its schema. nil: payloads are bare
	// values of Schema.
	Registry *registry.Registry
	// Schema is a schema in JSON. Without a Registry it is the writer's and must be
	// given; with one it is the reader's: its aliases and defaults count. When rows
	// are written it is their schema; empty, one is derived from the row type.
	Schema string
	// Name is the full name of the record of a derived schema; empty means the
	// name of the topic with what no name may hold replaced by _.
	Name string
	// Registered says that the schema of the rows is in the registry already;
	// otherwise it is registered when rows are first written.
	Registered bool
}

var _ message.Format = Format{}

// String implements message.Format.
func (f Format) String() string {
	if f.Registry != nil {
		return "avro (registry)"
	}
	return "avro"
}

// Validate implements message.Format.
func (f Format) Validate(t *batch.Type) error {
	errs := []error{validate(t)}
	if f.Registry != nil {
		errs = append(errs, f.Registry.Validate())
	} else if f.Schema == "" {
		errs = append(errs, errors.New("avro.Format has neither a Registry nor a Schema"))
	}
	if f.Schema != "" {
		_, err := avro.Parse(f.Schema)
		errs = append(errs, unparsed("avro.Format.Schema", err))
	}
	return errors.Join(errs...)
}

func unparsed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s is no Avro schema: %w", what, err)
}

// validate reports every part of a type that Avro cannot hold.
func validate(t *batch.Type) error {
	if t == nil {
		return errors.New("there is no row type")
	}
	var errs []error
	switch {
	case t.Kind.Form() == batch.NoForm:
		errs = append(errs, fmt.Errorf("no Avro value is a %s", t))
	case t.Kind == batch.Map && (t.Fields[0].Type.Kind != batch.String || t.Fields[0].Type.Nullable):
		errs = append(errs, fmt.Errorf("the key of an Avro map is a string, not %s", t.Fields[0].Type))
	}
	for _, f := range t.Fields {
		if err := validate(f.Type); err != nil {
			errs = append(errs, fmt.Errorf("field %s: %w", f.Name, err))
		}
	}
	return errors.Join(errs...)
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
	if f.Schema == "" && f.Registry == nil {
		return nil, errors.Join(validate(r.Type), errors.New("avro.Format has neither a Registry nor a Schema: nobody could read what is written"))
	}
	if err := f.Validate(r.Type); err != nil {
		return nil, err
	}
	return newEncoder(ctx, f, r)
}
