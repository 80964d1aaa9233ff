package message

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/leatflow/leat/sdk/batch"
)

// Raw is the format of payloads that are taken as they are. The row type is a string
// or []byte, or a struct of one such field, whatever its name, beside those that a
// connector fills from elsewhere. A string must be UTF-8.
type Raw struct{}

var _ Format = Raw{}

// String implements Format.
func (Raw) String() string { return "raw" }

// Validate implements Format.
func (Raw) Validate(t *batch.Type) error {
	_, err := rawField(t)
	return err
}

// rawField returns which field of a struct the payload is; -1: the row itself, or
// none of no fields.
func rawField(t *batch.Type) (int, error) {
	switch {
	case t.Kind == batch.String, t.Kind == batch.Bytes:
		return -1, nil
	case t.Kind == batch.Struct && len(t.Fields) == 0:
		return -1, nil
	case t.Kind == batch.Struct && len(t.Fields) == 1:
		if k := t.Fields[0].Type.Kind; k == batch.String || k == batch.Bytes {
			return 0, nil
		}
	}
	return 0, fmt.Errorf("raw: a payload is a string or []byte, or the only such field of a struct, not %s; use a format such as JSON for rows of several fields", t)
}

// Decoder implements Format.
func (Raw) Decoder(_ context.Context, r DecodeRequest) (Decoder, error) {
	i, err := rawField(r.Type)
	if err != nil {
		return nil, err
	}
	d := &rawDecoder{row: r.Type, text: r.Type}
	if i == 0 {
		d.text = r.Type.Fields[0].Type
	}
	d.unread = r.Type.Kind == batch.Struct && (len(r.Type.Fields) == 0 || r.Needed != nil && !r.Needed[0])
	return d, nil
}

// Encoder implements Format.
func (Raw) Encoder(_ context.Context, r EncodeRequest) (Encoder, error) {
	i, err := rawField(r.Type)
	if err != nil {
		return nil, err
	}
	if i < 0 && r.Type.Kind == batch.Struct {
		return nil, errors.New("raw: a struct without fields has no payload; write a string or []byte")
	}
	return rawEncoder{}, nil
}

type rawDecoder struct {
	row, text *batch.Type
	unread    bool
	rows      int
	values    batch.Strings
}

// errNotText says what to do about bytes where a string is wanted.
var errNotText = errors.New("the payload is not UTF-8; make the row a []byte to take any bytes")

// errFull is beyond what a reader lets a batch grow to.
var errFull = errors.New("the payload does not fit the batch, whose bytes must stay below 2 GiB")

func (d *rawDecoder) Decode(_ context.Context, payload []byte) error {
	if !d.unread {
		if d.text.Kind == batch.String && !utf8.Valid(payload) {
			return errNotText
		}
		v := &d.values
		if int64(len(v.Data))+int64(len(payload)) > 1<<31-1 {
			return errFull
		}
		if len(v.Offsets) == 0 {
			v.Offsets = append(v.Offsets, 0)
		}
		v.Data = append(v.Data, payload...)
		v.Offsets = append(v.Offsets, int32(len(v.Data)))
	}
	d.rows++
	return nil
}

func (d *rawDecoder) Rows() int { return d.rows }

func (d *rawDecoder) Take() *batch.Column {
	var column *batch.Column
	if !d.unread {
		column = batch.NewStrings(d.text, d.values)
	}
	n := d.rows
	d.rows, d.values = 0, batch.Strings{Offsets: make([]int32, 0, len(d.values.Offsets)), Data: make([]byte, 0, len(d.values.Data))}
	switch {
	case d.row.Kind != batch.Struct:
		return column
	case len(d.row.Fields) == 0:
		return batch.NewStruct(d.row, n)
	}
	return batch.NewStruct(d.row, n, column)
}

type rawEncoder struct{}

func (rawEncoder) Encode(_ context.Context, dst []byte, ends []int, rows *batch.Column) ([]byte, []int, error) {
	text := rows
	if rows.Type.Kind == batch.Struct {
		text = rows.Children[0]
	}
	for i := range rows.Len {
		if rows.Null(i) || text.Null(i) {
			return dst, ends, fmt.Errorf("raw: row %d of the batch is null, which has no bytes; drop such rows or give them a value", i)
		}
		dst = append(dst, text.Bytes(i)...)
		ends = append(ends, len(dst))
	}
	return dst, ends, nil
}
