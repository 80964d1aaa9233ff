package avro

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/registry"
)

// encoder implements message.Encoder.
type encoder struct {
	root   *render
	header []byte // before each payload
}

func newEncoder(ctx context.Context, f Format, r message.EncodeRequest) (message.Encoder, error) {
	s, err := schemaOf(f, r)
	if err != nil {
		return nil, err
	}
	root, err := s.render(s.root, r.Type)
	if err != nil {
		return nil, fmt.Errorf("avro.Format.Schema does not fit the row type: %w", err)
	}
	e := &encoder{root: root}
	if f.Registry != nil {
		id, err := f.Registry.ID(ctx, registry.Subject(r.Topic, r.Key), sr.Schema{Schema: s.parsed.String()}, !f.Registered)
		if err != nil {
			return nil, err
		}
		e.header = registry.AppendHeader(nil, id)
	}
	return e, nil
}

// schemaOf returns the schema that rows are written with.
func schemaOf(f Format, r message.EncodeRequest) (*schema, error) {
	if f.Schema != "" {
		return parse(f.Schema)
	}
	name := f.Name
	if name == "" {
		name = recordName(r.Topic)
	}
	return derive(r.Type, name)
}

// Encode implements message.Encoder.
func (e *encoder) Encode(_ context.Context, dst []byte, ends []int, rows *batch.Column) ([]byte, []int, error) {
	if !e.root.typ.Equal(rows.Type) {
		return dst, ends, fmt.Errorf("the rows are of type %s, the encoder was made for %s", rows.Type, e.root.typ)
	}
	if err := e.root.column(rows); err != nil {
		return dst, ends, err
	}
	return e.root.Payloads(dst, ends, e.header)
}

// render binds a schema to the type of a column that is to be written with it.
func (s *schema) render(n *avro.SchemaNode, t *batch.Type) (*render, error) {
	n = s.look(n)
	if n.Type != "union" {
		if t.Nullable {
			return nil, fmt.Errorf("the schema has %s without null, the row type %s", describe(n), t)
		}
		return s.plain(n, t)
	}
	var null []byte
	for i := range n.Branches {
		if n.Branches[i].Type == "null" {
			null = binary.AppendVarint(nil, int64(i))
		}
	}
	if t.Nullable && null == nil {
		return nil, fmt.Errorf("the schema has a union without null, the row type %s", t)
	}
	err := fmt.Errorf("no branch of the union holds %s", t)
	for i := range n.Branches {
		branch := s.look(&n.Branches[i])
		if branch.Type == "null" {
			continue
		}
		r, mistake := s.plain(branch, t)
		if mistake == nil {
			r.null, r.prefix = null, binary.AppendVarint(nil, int64(i))
			return r, nil
		}
		err = mistake
	}
	return nil, err
}

// plain binds a schema that is no union.
func (s *schema) plain(n *avro.SchemaNode, t *batch.Type) (*render, error) {
	r := &render{typ: t}
	fits, err := false, error(nil)
	switch n.Type {
	case "boolean":
		r.write, fits = writeBoolean, t.Kind == batch.Bool
	case "int", "long":
		fits = r.integer(n, t.Kind)
	case "float":
		r.write, fits = writeFloat, t.Kind == batch.Float32
	case "double":
		r.write, fits = writeDouble, t.Kind.Float()
	case "string":
		r.write, fits = writeSized, t.Kind == batch.String
	case "bytes":
		r.write, fits = writeSized, t.Kind == batch.Bytes && n.LogicalType != "decimal"
	case "fixed":
		r.write, r.size, fits = writeFixed, n.Size, t.Kind == batch.Bytes && n.LogicalType != "decimal"
	case "enum":
		r.write, r.symbols, fits = writeEnum, make(map[string]int), t.Kind == batch.String
		for i, symbol := range n.Symbols {
			r.symbols[symbol] = i
		}
	case "array":
		if fits = t.Kind == batch.List; fits {
			r.write = writeArray
			r.inner, err = s.render(n.Items, t.Fields[0].Type)
		}
	case "map":
		if fits = t.Kind == batch.Map; fits {
			r.write = writeMap
			r.inner, err = s.render(n.Values, t.Fields[1].Type)
		}
	case "record":
		if fits = t.Kind == batch.Struct; fits {
			r.write = writeRecord
			r.fields, err = s.parts(n, t)
		}
	}
	if !fits {
		return nil, fmt.Errorf("the schema has %s, which cannot hold %s", describe(n), t)
	}
	return r, err
}

// integer chooses how an int or long is written.
func (r *render) integer(n *avro.SchemaNode, kind batch.Kind) bool {
	scale, isTime := units[n.LogicalType]
	switch {
	case kind == batch.Time:
		r.write, r.scale = writeTime, scale
		return isTime && scale > 0 && n.Type == "long"
	case kind == batch.Uint64:
		r.write = writeUnsigned
		return n.Type == "long"
	}
	r.write = writeLong
	low, high, ok := kind.Range()
	return ok && (n.Type == "long" || low >= math.MinInt32 && high <= math.MaxInt32)
}

// parts binds the fields of a record: those of the row type by name, and those it
// lacks to their defaults.
func (s *schema) parts(n *avro.SchemaNode, t *batch.Type) ([]part, error) {
	var parts []part
	known := make(map[string]bool)
	for i := range n.Fields {
		f := &n.Fields[i]
		known[f.Name] = true
		p := part{name: f.Name, column: t.Index(f.Name)}
		var err error
		switch {
		case p.column >= 0:
			p.render, err = s.render(&f.Type, t.Fields[p.column].Type)
		case f.HasDefault:
			var schema *avro.Schema
			if schema, err = f.Type.Schema(); err == nil {
				p.value, err = schema.Encode(f.Default)
			}
		default:
			err = fmt.Errorf("the rows have no such field, and the schema no default")
		}
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		parts = append(parts, p)
	}
	for _, f := range t.Fields {
		if !known[f.Name] {
			return nil, fmt.Errorf("field %s: the schema has no such field", f.Name)
		}
	}
	return parts, nil
}
