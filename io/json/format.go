package json

import (
	"context"
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/columns"
)

// Format is JSON as the payload of messages: each payload is one JSON value, and
// nothing but white space around it. See the package comment for how values map
// to columns. A payload that is empty, cut off, more than one value or not what
// the row type asks for is a bad record.
type Format struct {
	// RefuseUnknown makes a payload with a field that the row type lacks a bad one.
	RefuseUnknown bool
}

var _ message.Format = Format{}

// String implements message.Format.
func (f Format) String() string { return "json" }

// Validate implements message.Format.
func (f Format) Validate(t *batch.Type) error { return validate(t) }

// Decoder implements message.Format.
func (f Format) Decoder(_ context.Context, r message.DecodeRequest) (message.Decoder, error) {
	if err := validate(r.Type); err != nil {
		return nil, err
	}
	return &decoder{root: bind(r.Type, r.Needed, f.RefuseUnknown)}, nil
}

// Encoder implements message.Format.
func (f Format) Encoder(_ context.Context, r message.EncodeRequest) (message.Encoder, error) {
	if err := validate(r.Type); err != nil {
		return nil, err
	}
	return &encoder{root: newRender(r.Type)}, nil
}

// decoder implements message.Decoder.
type decoder struct {
	root    *node
	scratch []byte // of the cursor, kept between payloads
}

// Decode implements message.Decoder.
func (d *decoder) Decode(_ context.Context, payload []byte) error {
	if err := columns.Oversized(payload); err != nil {
		return err
	}
	before := d.root.Rows
	c := cursor{text: payload, scratch: d.scratch, payload: true}
	err := d.root.Settle(before, d.root.record(&c))
	d.scratch = c.scratch
	if e, ok := err.(*Error); ok && payload[0] == 0 {
		e.Reason += "; a payload that begins with the byte 0 was written with a schema registry, and json.Format reads none of those"
	}
	return err
}

var errEmpty = errors.New("the payload is empty; want one JSON value")

// record appends the only value of a text.
func (n *node) record(c *cursor) error {
	c.space()
	if c.at == len(c.text) {
		return errEmpty
	}
	if err := n.value(c); err != nil {
		return err
	}
	return c.end()
}

// Rows implements message.Decoder.
func (d *decoder) Rows() int { return d.root.Rows }

// Take implements message.Decoder.
func (d *decoder) Take() *batch.Column { return d.root.Take() }

// encoder implements message.Encoder.
type encoder struct{ root *render }

// Encode implements message.Encoder.
func (e *encoder) Encode(_ context.Context, dst []byte, ends []int, rows *batch.Column) ([]byte, []int, error) {
	if !e.root.typ.Equal(rows.Type) {
		return dst, ends, fmt.Errorf("the rows are of type %s, the encoder was made for %s", rows.Type, e.root.typ)
	}
	if err := e.root.column(rows); err != nil {
		return dst, ends, err
	}
	return e.root.Payloads(dst, ends, nil)
}
