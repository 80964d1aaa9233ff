package avro

import (
	"context"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/columns"
	"github.com/leatflow/leat/sdk/connector/message/registry"
)

// decoder implements message.Decoder.
type decoder struct {
	registry *registry.Registry // nil: payloads are bare
	reader   *schema            // nil: there is none
	root     *columns.Builder

	id    int // of the schema that step was bound for
	step  *step
	bound map[int]bound
}

// bound is what became of a writer's schema: a step or a mistake.
type bound struct {
	step *step
	err  error
}

func newDecoder(f Format, r message.DecodeRequest) (*decoder, error) {
	d := &decoder{registry: f.Registry, root: columns.New(r.Type, r.Needed), bound: make(map[int]bound)}
	if f.Schema != "" {
		var err error
		if d.reader, err = parse(f.Schema); err != nil {
			return nil, err
		}
	}
	if d.registry == nil {
		b := &binder{writer: d.reader, reader: d.reader}
		var err error
		if d.step, err = b.bind(d.reader.root, d.reader.root, d.root); err != nil {
			return nil, fmt.Errorf("avro.Format.Schema does not fit the row type: %w", err)
		}
	}
	return d, nil
}

// Decode implements message.Decoder.
func (d *decoder) Decode(ctx context.Context, payload []byte) error {
	if err := columns.Oversized(payload); err != nil {
		return err
	}
	c := cursor{data: payload}
	if d.registry != nil {
		id, rest, err := registry.Header(payload)
		if err != nil {
			return err
		}
		if d.step == nil || id != d.id {
			if err := d.use(ctx, id); err != nil {
				return err
			}
		}
		c.at = len(payload) - len(rest)
	}
	rows := d.root.Rows
	err := d.step.read(&c)
	if err == nil && c.at < len(payload) {
		err = c.fail(c.at, "%d bytes follow the value", len(payload)-c.at)
	}
	return d.root.Settle(rows, err)
}

// use makes the schema of an id the one that is read with.
func (d *decoder) use(ctx context.Context, id int) error {
	b, known := d.bound[id]
	if !known {
		s, err := d.registry.Schema(ctx, id)
		if err != nil {
			return err
		}
		b = d.bind(s)
		if b.err != nil {
			b.err = fmt.Errorf("schema %d of the registry %s: %w", id, d.registry, b.err)
		}
		d.bound[id] = b
	}
	if b.err == nil {
		d.id, d.step = id, b.step
	}
	return b.err
}

func (d *decoder) bind(s *registry.Schema) bound {
	writer, err := parseAll(*s)
	if err != nil {
		return bound{err: err}
	}
	b := &binder{writer: writer, reader: d.reader}
	var step *step
	if d.reader == nil {
		step, err = b.bind(writer.root, nil, d.root)
	} else {
		step, err = b.bind(writer.root, d.reader.root, d.root)
	}
	return bound{step, err}
}

// Rows implements message.Decoder.
func (d *decoder) Rows() int { return d.root.Rows }

// Take implements message.Decoder.
func (d *decoder) Take() *batch.Column { return d.root.Take() }
