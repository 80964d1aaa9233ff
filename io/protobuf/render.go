package protobuf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message/columns"
)

// render writes the values of one column, all rows in one loop: what stands behind
// the tag of a field, of messages without their length. Messages are put together
// from the pieces of their fields. An empty piece of what is no message stands for
// a default that is left out.
type render struct {
	columns.Pieces
	shape  shape
	signed bool
	bits   int
	omit   bool             // defaults are left out
	valid  batch.Bitmap     // of the column that is rendered
	names  map[string]int32 // enumShape
	fields []*part          // messageShape, wrapShape
}

// part is a field of a message.
type part struct {
	name     string
	column   int
	tag      []byte
	values   *render // of the field, of its elements, or the values of a map
	keys     *render // of a map
	valueTag []byte  // of a map
	keyTag   []byte
	list     bool
	packed   bool
	oneof    []*part // those before it of the same oneof

	rows *batch.Column // that is rendered
}

func newRender(l link) *render {
	r := &render{shape: l.shape, signed: signed(l.field), bits: bits(l.field)}
	switch l.shape {
	case messageShape, wrapShape:
		r.fields = newParts(l.inner)
	case enumShape:
		r.names = make(map[string]int32)
		for i := range l.field.Enum().Values().Len() {
			v := l.field.Enum().Values().Get(i)
			r.names[string(v.Name())] = int32(v.Number())
		}
	}
	return r
}

// newParts returns the fields of a message.
func newParts(links []link) []*part {
	var parts []*part
	for _, l := range links {
		p := newPart(l)
		if oneof := l.field.ContainingOneof(); oneof != nil {
			for k, before := range parts {
				if other := links[k].field.ContainingOneof(); other != nil && other.Index() == oneof.Index() {
					p.oneof = append(p.oneof, before)
				}
			}
		}
		parts = append(parts, p)
	}
	return parts
}

func newPart(l link) *part {
	p := &part{name: string(l.field.Name()), column: l.column, tag: tagOf(l.field)}
	switch {
	case l.field.IsMap():
		p.keys, p.values = newRender(l.inner[0]), newRender(l.inner[1])
		p.keyTag, p.valueTag = tagOf(l.inner[0].field), tagOf(l.inner[1].field)
		return p
	case l.field.Cardinality() == protoreflect.Repeated:
		p.list, p.packed = true, l.field.IsPacked()
		if p.packed {
			p.tag = protowire.AppendTag(nil, l.field.Number(), protowire.BytesType)
		}
	}
	p.values = newRender(l)
	p.values.omit = !p.list && !l.field.HasPresence()
	return p
}

func tagOf(f protoreflect.FieldDescriptor) []byte {
	return protowire.AppendTag(nil, f.Number(), wireOf(f))
}

// column renders every row.
func (r *render) column(c *batch.Column) error {
	r.Reset("")
	r.valid = c.Valid
	switch r.shape {
	case textShape, bytesShape:
		r.Strings(c, r.sized)
	case floatShape, doubleShape:
		r.floats(c)
	case boolShape:
		from := len(r.Data)
		for _, v := range c.Bools {
			if v || !r.omit {
				r.Data = protowire.AppendVarint(r.Data, protowire.EncodeBool(v))
			}
			from = r.End(from)
		}
	case enumShape:
		r.enums(c)
	case timeShape:
		from := len(r.Data)
		for _, v := range c.Ints {
			r.Data = appendTimestamp(r.Data, v)
			from = r.End(from)
		}
	case messageShape:
		return r.messages(c, c.Children)
	case wrapShape:
		return r.messages(c, []*batch.Column{c})
	default:
		r.integers(c)
	}
	return nil
}

func (r *render) null(i int) bool { return r.valid != nil && !r.valid.Get(i) }

// sized writes a string or bytes behind its length.
func (r *render) sized(dst, v []byte) []byte {
	if len(v) == 0 && r.omit {
		return dst
	}
	if r.shape == textShape && !utf8.Valid(v) {
		v = bytes.ToValidUTF8(v, []byte("\uFFFD"))
	}
	return protowire.AppendBytes(dst, v)
}

func (r *render) floats(c *batch.Column) {
	from := len(r.Data)
	for _, v := range c.Floats {
		switch {
		case r.omit && math.Float64bits(v) == 0: // -0 is no default
		case r.shape == floatShape:
			r.Data = binary.LittleEndian.AppendUint32(r.Data, math.Float32bits(float32(v)))
		default:
			r.Data = binary.LittleEndian.AppendUint64(r.Data, math.Float64bits(v))
		}
		from = r.End(from)
	}
}

func (r *render) integers(c *batch.Column) {
	from := len(r.Data)
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	switch {
	case r.bits == 32 && r.signed:
		low, high = math.MinInt32, math.MaxInt32
	case r.bits == 32:
		low, high = 0, math.MaxUint32
	case !r.signed:
		low = 0
	}
	unsigned := c.Type.Kind == batch.Uint64
	for i, v := range c.Ints {
		past := unsigned && v < 0 // the end of an int64
		if past && (r.signed || r.bits == 32) || !past && (v < low || v > high) {
			if r.null(i) {
				v = 0
			} else {
				r.Fail("%s does not fit the field", number(v, unsigned))
				continue
			}
		}
		if v != 0 || !r.omit {
			r.integer(uint64(v))
		}
		from = r.End(from)
	}
}

func number(v int64, unsigned bool) string {
	if unsigned {
		return strconv.FormatUint(uint64(v), 10)
	}
	return strconv.FormatInt(v, 10)
}

func (r *render) integer(v uint64) {
	switch r.shape {
	case fixed32Shape:
		r.Data = binary.LittleEndian.AppendUint32(r.Data, uint32(v))
	case fixed64Shape:
		r.Data = binary.LittleEndian.AppendUint64(r.Data, v)
	case zigzagShape:
		r.Data = protowire.AppendVarint(r.Data, protowire.EncodeZigZag(int64(v)))
	default:
		r.Data = protowire.AppendVarint(r.Data, v)
	}
}

// enums writes the numbers of names, and numbers that are written as text.
func (r *render) enums(c *batch.Column) {
	from := len(r.Data)
	for i := range c.Len {
		v := int64(0)
		if !r.null(i) {
			name := c.Bytes(i)
			known, ok := r.names[string(name)]
			v = int64(known)
			if !ok {
				var err error
				if v, err = strconv.ParseInt(string(name), 10, 32); err != nil {
					r.Fail("%.40q is no value of the enum", name)
					continue
				}
			}
		}
		if v != 0 || !r.omit {
			r.Data = protowire.AppendVarint(r.Data, uint64(v))
		}
		from = r.End(from)
	}
}

// appendTimestamp writes microseconds as a google.protobuf.Timestamp.
func appendTimestamp(dst []byte, micros int64) []byte {
	seconds := micros / 1_000_000
	if seconds*1_000_000 > micros {
		seconds--
	}
	if seconds != 0 {
		dst = protowire.AppendVarint(append(dst, 0x08), uint64(seconds))
	}
	if nanos := (micros - seconds*1_000_000) * 1000; nanos != 0 {
		dst = protowire.AppendVarint(append(dst, 0x10), uint64(nanos))
	}
	return dst
}

// messages puts rows together from the columns of their fields.
func (r *render) messages(c *batch.Column, fields []*batch.Column) error {
	for _, p := range r.fields {
		if err := p.render(fields[p.column]); err != nil {
			return err
		}
	}
	from := len(r.Data)
rows:
	for i := range c.Len {
		for _, p := range r.fields {
			if wrong := r.field(p, i); wrong != nil {
				r.Data = r.Data[:from]
				r.Fail("field %s: %w", p.name, wrong)
				continue rows
			}
		}
		from = r.End(from)
	}
	return nil
}

// render renders the values of a field.
func (p *part) render(c *batch.Column) error {
	if c == nil {
		return fmt.Errorf("column %s was not read, so it cannot be written", p.name)
	}
	p.rows = c
	switch {
	case p.keys != nil:
		if err := p.keys.column(columns.Elements(c, 0)); err != nil {
			return err
		}
		return p.values.column(columns.Elements(c, 1))
	case p.list:
		return p.values.column(columns.Elements(c, 0))
	}
	return p.values.column(c)
}

// field appends what a field has in a row. It returns what is wrong with it.
func (r *render) field(p *part, i int) error {
	if p.list || p.keys != nil {
		from, to := p.rows.Range(i)
		first := int(p.rows.Offsets[0])
		if p.packed {
			return r.packed(p, from-first, to-first)
		}
		for j := from - first; j < to-first; j++ {
			if err := r.element(p, j); err != nil {
				return err
			}
		}
		return nil
	}
	if p.values.null(i) {
		return nil
	}
	for _, other := range p.oneof {
		if !other.values.null(i) {
			return fmt.Errorf("field %s of the same oneof has a value too, and a reader would see one of them", other.name)
		}
	}
	row := p.values.Rows[i]
	switch {
	case row.Broken():
		return p.values.Wrong(row)
	case row.From == row.To && p.values.shape < timeShape:
		return nil
	}
	r.Data = p.values.append(append(r.Data, p.tag...), row)
	return nil
}

// append writes a value, a message behind its length.
func (r *render) append(dst []byte, row columns.Span) []byte {
	if r.shape >= timeShape {
		dst = protowire.AppendVarint(dst, uint64(row.To-row.From))
	}
	return append(dst, r.Data[row.From:row.To]...)
}

func (r *render) packed(p *part, from, to int) error {
	size := 0
	for _, row := range p.values.Rows[from:to] {
		if row.Broken() {
			return p.values.Wrong(row)
		}
		size += row.To - row.From
	}
	if from == to {
		return nil
	}
	r.Data = protowire.AppendVarint(append(r.Data, p.tag...), uint64(size))
	for _, row := range p.values.Rows[from:to] {
		r.Data = append(r.Data, p.values.Data[row.From:row.To]...)
	}
	return nil
}

// element appends an element of a list, or an entry of a map.
func (r *render) element(p *part, j int) error {
	row := p.values.Rows[j]
	if row.Broken() {
		return p.values.Wrong(row)
	}
	r.Data = append(r.Data, p.tag...)
	if p.keys == nil {
		r.Data = p.values.append(r.Data, row)
		return nil
	}
	key := p.keys.Rows[j]
	if key.Broken() {
		return p.keys.Wrong(key)
	}
	size := len(p.keyTag) + key.To - key.From + len(p.valueTag) + row.To - row.From
	if p.values.shape >= timeShape {
		size += protowire.SizeVarint(uint64(row.To - row.From))
	}
	r.Data = protowire.AppendVarint(slices.Grow(r.Data, size+10), uint64(size))
	r.Data = p.keys.append(append(r.Data, p.keyTag...), key)
	r.Data = p.values.append(append(r.Data, p.valueTag...), row)
	return nil
}
