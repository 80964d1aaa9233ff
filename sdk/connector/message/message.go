// Package message is what connectors of message systems and formats of payloads
// agree on, so that neither knows the other: kafka.Source takes a Format, and
// json.Format, avro.Format and protobuf.Format are some.
//
//	topic ──payload──▶ Decoder ──columns──▶ pipeline ──columns──▶ Encoder ──payload──▶ topic
//
// A payload is one row. Neither direction makes a Go value of it.
package message

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
)

// Format says what payloads look like. It is an immutable value, safe for
// concurrent use, and does no I/O itself.
type Format interface {
	// String names the format for EXPLAIN and messages: json, avro (registry).
	String() string
	// Validate reports the mistakes that can be seen without I/O, all of them
	// joined: a type the format cannot hold, contradicting options.
	Validate(t *batch.Type) error
	// Decoder returns a decoder for one goroutine. It may ask a schema registry.
	Decoder(ctx context.Context, r DecodeRequest) (Decoder, error)
	// Encoder returns an encoder for one goroutine. It may register a schema.
	Encoder(ctx context.Context, r EncodeRequest) (Encoder, error)
}

// DecodeRequest is what a connector wants decoded.
type DecodeRequest struct {
	Topic string
	Key   bool // the payloads are keys of records, not values
	// Type is the row type. A struct's fields are bound by name; a scalar type asks
	// for the payload itself, where the format has such a thing.
	Type *batch.Type
	// Needed lists, for a struct type, which top-level fields are read; the others
	// are left nil in the column, whether the payload has them or not. nil means all.
	Needed []bool
}

// EncodeRequest is what a connector wants encoded.
type EncodeRequest struct {
	Topic string
	Key   bool // for keys of records, not values
	Type  *batch.Type
}

// Decoder appends payloads to columns.
type Decoder interface {
	// Decode appends the row of a payload, which it does not keep. On error nothing
	// is appended: the payload is a bad record, unless the error is an *Unavailable.
	Decode(ctx context.Context, payload []byte) error
	// Rows returns how many rows Take would return.
	Rows() int
	// Take returns the rows appended since the last Take. The column is immutable.
	Take() *batch.Column
}

// Encoder turns rows into payloads.
type Encoder interface {
	// Encode appends the payloads of all rows of a column to dst, one after the
	// other, and where each ends in dst to ends.
	Encode(ctx context.Context, dst []byte, ends []int, rows *batch.Column) ([]byte, []int, error)
}

// Unavailable is an error that is not the payload's fault, such as a registry that
// does not answer: the connector tries the same payload again, and reads no further
// until it has succeeded.
type Unavailable struct{ Err error }

// Error implements error.
func (u *Unavailable) Error() string { return u.Err.Error() }

// Unwrap returns the cause.
func (u *Unavailable) Unwrap() error { return u.Err }
